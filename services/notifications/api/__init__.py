"""HTTP of notifications: route → use case → schema; the carriers' callbacks, clients' pages and the console's."""

from services.notifications.api import (
    carriers,
    check_ins,
    console,
    editors,
    inbox,
    intake,
    mail_reports,
    messages,
    outreach,
    people,
    plans,
    secure,
    sender,
    tasks,
    templates,
    unsubscribing,
    webhooks,
)
from shared import console as door

routers = [
    sender.router,
    people.router,
    messages.router,
    plans.router,
    check_ins.router,
    outreach.router,
    tasks.router,
    secure.router,
    templates.router,
    webhooks.router,
    intake.router,
    carriers.router,
    mail_reports.router,
    unsubscribing.router,
    inbox.router,
    check_ins.page,
    console.router,
    editors.router,
    door.router,
]
