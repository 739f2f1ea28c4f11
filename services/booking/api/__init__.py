"""HTTP of booking: route → use case → schema; and the page behind a link."""

from services.booking.api import appointments, clients, links, standing

routers = [appointments.router, clients.router, standing.router, links.router]
