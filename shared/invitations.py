"""Visits as iCalendar (RFC 5545, RFC 5546), for a mail, a download, a feed: they say when, and nothing of what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

if TYPE_CHECKING:
    from icalendar import Event

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
OPAQUE = "Appointment"
PRODUCT = "-//Rapport//Rapport//EN"


@dataclass(frozen=True, slots=True)
class Entry:
    """A visit in a calendar. Its `uid` never changes, and `sequence` rises with every change of it."""

    visit_id: UUID
    sequence: int
    start: datetime
    end: datetime
    changed_at: datetime
    title: str = OPAQUE
    called_off: bool = False

    @property
    def uid(self) -> str:
        return f"{self.visit_id}@rapport"


def calendar(
    method: Method, entries: Iterable[Entry], *, organizer: str | None = None, attendee: str | None = None
) -> bytes:
    """A calendar of visits; an invitation or its cancellation names by mail address who invites whom."""
    # Here and not above: 3 MB and 60 ms that most processes never need.
    from icalendar import Calendar

    found = Calendar()
    found.add("prodid", PRODUCT)
    found.add("version", "2.0")
    found.add("method", method)
    for entry in entries:
        found.add_component(_event(entry, organizer, attendee))
    return bytes(found.to_ical())


def _event(entry: Entry, organizer: str | None, attendee: str | None) -> "Event":
    from icalendar import Event, vCalAddress, vText

    event = Event()
    event.add("uid", entry.uid)
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.changed_at)
    event.add("dtstart", entry.start)
    event.add("dtend", entry.end)
    event.add("summary", entry.title)
    event.add("status", "CANCELLED" if entry.called_off else "CONFIRMED")
    event.add("class", "PRIVATE")
    if organizer is not None:
        event.add("organizer", vCalAddress(f"mailto:{organizer}"))
    if attendee is not None:
        guest = vCalAddress(f"mailto:{attendee}")
        guest.params["RSVP"] = vText("FALSE")
        guest.params["PARTSTAT"] = vText("DECLINED" if entry.called_off else "ACCEPTED")
        event.add("attendee", guest)
    return event
