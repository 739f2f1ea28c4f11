"""HTTP of availability: route → use case → schema."""

from services.availability.api import calendars, hours, practice, schedules, slots

routers = [practice.router, hours.router, calendars.router, schedules.router, slots.router]
