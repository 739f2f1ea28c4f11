"""What a practice decides for itself about its visits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.booking.domain.video import check_template
from shared.errors import invalid

SelfBooking = Literal["off", "clients", "anyone"]
"""Who may book on the practice's page: nobody, clients with a personal link, or new clients too."""

LONGEST_LATE = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Policy:
    """A practice's rules; where it has set none, these.

    `late_within`: a visit that is called off nearer to its start is late. `video_link`: where visits by video take
    place, with `{room}` for a visit's own room.
    """

    late_within: timedelta = timedelta(hours=24)
    self_booking: SelfBooking = "off"
    video_link: str | None = None
    version: int = 0

    def check(self) -> None:
        """Raises Problem `late_within_invalid` or `video_link_invalid`."""
        if not timedelta(0) <= self.late_within <= LONGEST_LATE:
            raise invalid("late_within_invalid", "This should be between PT0S and P14D.", field="late_within")

        if self.video_link is not None:
            check_template(self.video_link)

    def is_late(self, start: datetime, now: datetime) -> bool:
        """True when somebody else can hardly be found for the time any more."""
        return now > start - self.late_within
