"""Every SQL statement of availability, a module per part of the domain."""

from services.availability.repository import calendars, changes, hours, practice, schedules, taken

__all__ = ["calendars", "changes", "hours", "practice", "schedules", "taken"]
