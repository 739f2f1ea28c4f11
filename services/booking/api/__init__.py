"""HTTP of booking: route → use case → schema; and the page behind a link."""

from services.booking.api import (
    appointments,
    clients,
    holds,
    links,
    offer_links,
    policy,
    standing,
    waitlist,
)

routers = [
    appointments.router,
    holds.router,
    waitlist.router,
    clients.router,
    policy.router,
    standing.router,
    links.router,
    offer_links.router,
]
