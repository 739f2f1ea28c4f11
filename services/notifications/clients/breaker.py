"""Leaves a vendor alone that fails again and again, or that asks for it."""

import time
from collections.abc import Callable
from datetime import timedelta

from services.notifications.clients.outbound import CarrierUnavailable

FAILURES = 5
FIRST_REST, LONGEST_REST = 5.0, 300.0


class Breaker:
    """After five failures in a row nobody is sent there for a while; then one goes to look, and the others with it if
    that works. Of one process: each finds out for itself.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._failures = 0
        self._rest = FIRST_REST
        self._open_until = 0.0
        self._looking = False

    @property
    def is_open(self) -> bool:
        """True while nobody is sent there: no current flows."""
        return self._looking or self._clock() < self._open_until

    def enter(self) -> bool:
        """Whether it is this one that goes to look. Raises CarrierUnavailable while the vendor is left alone."""
        now = self._clock()
        if now < self._open_until or self._looking:
            wait = max(self._open_until - now, 1.0)
            raise CarrierUnavailable(f"{self._name}_left_alone", timedelta(seconds=wait))
        self._looking = self._failures >= FAILURES
        return self._looking

    def left(self, looked: bool) -> None:
        """Whoever was there, to look or for long, has gone without an answer, for a reason of their own."""
        if looked:
            self._looking = False

    def worked(self) -> None:
        """It answers, whatever it says."""
        self._failures, self._rest, self._looking = 0, FIRST_REST, False

    def failed(self, after: timedelta | None) -> None:
        """It doesn't; `after` is how long it wants to be left alone, which nobody cuts short."""
        now = self._clock()
        looked, self._looking = self._looking, False
        self._failures += 1
        if after:
            self._open_until = max(self._open_until, now + after.total_seconds())
        elif self._failures >= FAILURES and (looked or now >= self._open_until):
            # Those that were under way when it was opened say nothing new.
            self._open_until = now + self._rest
            self._rest = min(self._rest * 2, LONGEST_REST)
