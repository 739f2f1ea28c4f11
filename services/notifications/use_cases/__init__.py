"""What notifications does, a module per concern; each function works in its caller's transaction."""
