"""The worker process of availability: consumer, timers and outbox relay. `python -m services.availability.worker`."""

from services.availability import tables
from services.availability.consumers import HANDLERS
from services.availability.jobs import timers
from services.availability.resources import MIGRATIONS, open_resources
from services.availability.settings import Settings
from shared import process
from shared.db import head
from shared.settings import load


async def main() -> None:
    settings = load(Settings)
    async with open_resources(settings) as resources:
        await process.work(
            "availability", resources, head(MIGRATIONS), handlers=HANDLERS, timers=timers(resources), inbox=tables.inbox
        )


if __name__ == "__main__":
    process.run("availability", main)
