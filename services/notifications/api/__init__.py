"""HTTP of notifications: route → use case → schema; and the carriers' callbacks."""

from services.notifications.api import (
    carriers,
    inbox,
    intake,
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

routers = [
    sender.router,
    people.router,
    messages.router,
    plans.router,
    outreach.router,
    tasks.router,
    secure.router,
    templates.router,
    webhooks.router,
    intake.router,
    carriers.router,
    unsubscribing.router,
    inbox.router,
]
