"""Forgets what has served its time: published events, inbox rows, answers kept for repeated requests."""

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.db import Database

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
KEEP_PUBLISHED = timedelta(days=1)
KEEP_INBOX = timedelta(days=30)
"""Longer than any topic's retention and any dead letter's wait for a replay."""
KEEP_ANSWERS = timedelta(days=1)

_RULES = (
    ("DELETE FROM outbox WHERE published_at < clock_timestamp() - CAST(:keep AS interval)", KEEP_PUBLISHED),
    ("DELETE FROM inbox WHERE received_at < clock_timestamp() - CAST(:keep AS interval)", KEEP_INBOX),
    ("DELETE FROM idempotency_keys WHERE created_at < clock_timestamp() - CAST(:keep AS interval)", KEEP_ANSWERS),
)


async def run(database: Database, stop: asyncio.Event) -> None:
    """Sweeps once a minute until `stop`."""
    while not stop.is_set():
        try:
            await once(database)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("sweeping waits for the database: %s", type(error).__name__)
        try:
            await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
        except TimeoutError:
            continue


async def once(database: Database) -> None:
    for statement, keep in _RULES:
        async with database.every_tenant() as session:
            await session.execute(text(statement), {"keep": keep})
