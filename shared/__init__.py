"""The common library: what could serve a system that has never heard of appointments, and the contracts."""
