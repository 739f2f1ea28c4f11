"""HTTP bodies of availability, a module per part of the domain."""
