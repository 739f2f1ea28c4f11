"""What booking's pages ask of the other services."""
