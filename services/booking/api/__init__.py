"""HTTP of booking: route → use case → schema; and the page behind a link."""

from services.booking.api import appointments, clients, holds, links, policy, series, standing

routers = [
    appointments.router,
    series.router,
    holds.router,
    clients.router,
    policy.router,
    standing.router,
    links.router,
]
