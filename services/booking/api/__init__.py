"""HTTP of booking: route → use case → schema; and the page behind a link."""

from services.booking.api import (
    appointments,
    book,
    clients,
    holds,
    links,
    offer_links,
    policy,
    standing,
    visit_links,
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
    visit_links.router,
    book.router,
    offer_links.router,
]
