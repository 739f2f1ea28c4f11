"""HTTP of booking: route → use case → schema; and the page behind a link."""

from services.booking.api import appointments, clients, holds, links, policy, standing

routers = [appointments.router, holds.router, clients.router, policy.router, standing.router, links.router]
