"""The worker process of notifications: consumer, timers and outbox relay. `python -m services.notifications.worker`."""

from services.notifications import tables
from services.notifications.consumers import HANDLERS, MANY, WANTED
from services.notifications.jobs import timers, timers_together, webhook_timers
from services.notifications.resources import MIGRATIONS, open_resources
from services.notifications.settings import Settings
from shared import process
from shared.db import head
from shared.settings import load


async def main() -> None:
    settings = load(Settings)
    async with open_resources(settings) as resources:
        await process.work(
            "notifications",
            resources,
            head(MIGRATIONS),
            handlers=HANDLERS,
            many=MANY,
            wanted=WANTED,
            timers=timers(resources),
            timers_together=timers_together(resources),
            inbox=tables.inbox,
            timers_beside=webhook_timers(resources),
        )


if __name__ == "__main__":
    process.run("notifications", main)
