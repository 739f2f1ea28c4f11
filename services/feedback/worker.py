"""The worker process of feedback: consumer, timers and outbox relay. `python -m services.feedback.worker`."""

from services.feedback import tables
from services.feedback.consumers import HANDLERS
from services.feedback.jobs import timers
from services.feedback.resources import MIGRATIONS, open_resources
from services.feedback.settings import Settings
from shared import process
from shared.db import head
from shared.settings import load


async def main() -> None:
    settings = load(Settings)
    async with open_resources(settings) as resources:
        await process.work(
            "feedback", resources, head(MIGRATIONS), handlers=HANDLERS, timers=timers(resources), inbox=tables.inbox
        )


if __name__ == "__main__":
    process.run("feedback", main)
