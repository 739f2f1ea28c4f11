"""What keeps the local stack from running."""


class StackError(Exception):
    """One sentence: what could not be had or started, and the way round."""


class PortTaken(StackError):
    """Somebody took a port between our choosing it and our using it."""
