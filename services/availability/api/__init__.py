"""HTTP of availability: route → use case → schema; and the console's pages."""

from services.availability.api import calendars, console, directory, hours, practice, schedules, slots
from shared import console as door

# In the order in which they are tried: searches are by far the most.
routers = [
    slots.router,
    practice.router,
    hours.router,
    calendars.router,
    schedules.router,
    directory.router,
    console.router,
    door.router,
]
