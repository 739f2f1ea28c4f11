"""What availability talks to outside: the iCalendar feeds of calendars that providers keep elsewhere."""

from services.availability.clients.errors import FeedError
from services.availability.clients.feeds import Feeds, Fetched, check_url

__all__ = ["FeedError", "Feeds", "Fetched", "check_url"]
