"""What keeps the local stack from running."""


class StackError(Exception):
    """One sentence: what could not be had or started, and the way round."""
