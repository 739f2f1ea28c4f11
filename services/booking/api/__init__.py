"""HTTP of booking: route → use case → schema; and the page behind a link."""

from services.booking.api import (
    appointments,
    book,
    calendars,
    clients,
    holds,
    imports,
    links,
    offer_links,
    policy,
    portal,
    series,
    standing,
    visit_links,
    waitlist,
)

routers = [
    appointments.router,
    series.router,
    holds.router,
    calendars.router,
    imports.router,
    waitlist.router,
    clients.router,
    policy.router,
    portal.api,
    standing.router,
    calendars.feeds,
    links.router,
    visit_links.router,
    portal.router,
    book.router,
    offer_links.router,
]
