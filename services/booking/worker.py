"""The worker process of booking: consumer, timers and outbox relay. `python -m services.booking.worker`."""

from services.booking import tables
from services.booking.consumers import HANDLERS
from services.booking.jobs import timers
from services.booking.resources import MIGRATIONS, open_resources
from services.booking.settings import Settings
from shared import process
from shared.db import head
from shared.settings import load


async def main() -> None:
    settings = load(Settings)
    async with open_resources(settings) as resources:
        await process.work(
            "booking", resources, head(MIGRATIONS), handlers=HANDLERS, timers=timers(resources), inbox=tables.inbox
        )


if __name__ == "__main__":
    process.run("booking", main)
