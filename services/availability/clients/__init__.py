"""What availability talks to: the iCalendar feeds of calendars that providers keep elsewhere, and booking."""

from services.availability.clients.booking import Booking
from services.availability.clients.errors import FeedError
from services.availability.clients.feeds import Feeds, Fetched, check_url

__all__ = ["Booking", "FeedError", "Feeds", "Fetched", "check_url"]
