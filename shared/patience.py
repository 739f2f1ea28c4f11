"""How long a request may take: as long as any other, or longer for what must not be turned away."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_extend: ContextVar[Callable[[float], None] | None] = ContextVar("extend_deadline", default=None)


@contextmanager
def extended_by(extend: Callable[[float], None]) -> Iterator[None]:
    """Meanwhile `extend` is how the request at hand is given longer, in seconds from now."""
    token = _extend.set(extend)
    try:
        yield
    finally:
        _extend.reset(token)


def take_up_to(seconds: float) -> None:
    """Lets the request at hand, if there is one, take so long from now."""
    extend = _extend.get()
    if extend is not None:
        extend(seconds)
