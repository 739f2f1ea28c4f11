"""HTTP of notifications: route → use case → schema; and the carriers' callbacks."""

from services.notifications.api import carriers, intake, messages, outreach, people, plans, sender, tasks, templates

routers = [
    sender.router,
    people.router,
    messages.router,
    plans.router,
    outreach.router,
    tasks.router,
    templates.router,
    intake.router,
    carriers.router,
]
