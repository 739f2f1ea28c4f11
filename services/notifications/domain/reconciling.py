"""Expected against sent: what should have gone out, what became of it, and what nobody here has heard of."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

EVERY = timedelta(hours=1)
LOOK_AGAIN = timedelta(minutes=5)
"""News may be on its way: what is missing is an alarm when it still is after so long."""
A_FEW = 2
"""So many are refused on any day."""
PATIENCE = timedelta(minutes=15)
"""A message that is due for longer and neither sent nor put off is overdue."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One look at a practice's messages. `expected` were due within the hour before; the next four add up to it.

    `unheard` are visits of which booking knows more than has arrived here, `unplanned` coming visits without a single
    message on record.
    """

    id: UUID
    at: datetime
    expected: int
    sent: int
    failed: int
    not_sent: int
    waiting: int
    overdue: int
    unheard: tuple[UUID, ...] = ()
    unplanned: int = 0
    alarm: bool = False
    refused: int = 0
    """What a carrier of theirs wouldn't take or bring, or of which nobody knows; another one may have."""

    @property
    def suspects(self) -> bool:
        """Something is not as it should be; it may be so only for a moment."""
        return bool(self.overdue or self.unheard or self.unplanned)

    def is_alarm(self, before: "Reconciliation | None") -> bool:
        """What is overdue or unplanned is an alarm at once, and where carriers refuse more than half; what is unheard
        of, when it was so a while ago too.
        """
        stays_unheard = before is not None and bool(set(before.unheard) & set(self.unheard))
        return bool(self.overdue or self.unplanned) or stays_unheard or self.refused > max(self.expected / 2, A_FEW)

    def next(self) -> datetime:
        """The next full hour; sooner where something may just have been on its way."""
        if self.suspects and not self.alarm:
            return self.at + LOOK_AGAIN
        return full_hour(self.at)


def full_hour(after: datetime) -> datetime:
    """The next one."""
    return after.replace(minute=0, second=0, microsecond=0) + EVERY
