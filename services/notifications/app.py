"""The API process of notifications: `python -m services.notifications.app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from services.notifications import api
from services.notifications.resources import MIGRATIONS, open_resources
from services.notifications.settings import Settings
from shared import process
from shared.clock import Clock, system_clock
from shared.db import head
from shared.settings import load
from shared.web import create_service


def create_app(settings: Settings, clock: Clock = system_clock) -> FastAPI:
    """The application; its lifespan opens the resources and closes them."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources(settings, clock) as resources:
            app.state.resources = resources
            yield

    app = create_service(
        title="Rapport notifications",
        description="Reminds clients, reaches out after a miss, and says why each message was or was not sent.",
        routers=api.routers,
        lifespan=lifespan,
        settings=settings,
    )
    process.add_probes(app, lambda: app.state.resources, head(MIGRATIONS))
    return app


async def main() -> None:
    settings = load(Settings)
    await process.serve(create_app(settings), settings, settings.port)


if __name__ == "__main__":
    process.run("notifications", main)
