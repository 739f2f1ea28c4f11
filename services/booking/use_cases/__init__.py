"""What booking does, a function per verb: load, decide, save, record the event; the caller's transaction."""
