"""HTTP of availability: route → use case → schema."""

from services.availability.api import calendars, hours, practice, schedules, slots

# In the order in which they are tried: searches are by far the most.
routers = [slots.router, practice.router, hours.router, calendars.router, schedules.router]
