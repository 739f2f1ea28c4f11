"""Series of visits over HTTP, asked for and read as the tests do."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import text

from tests.support.practice import Practice

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
"""A Tuesday at ten in New York, five days before its clocks change."""
WEEKLY = [FIRST, datetime(2026, 3, 10, 14, tzinfo=UTC), datetime(2026, 3, 17, 14, tzinfo=UTC)]
NEW_YORK = ZoneInfo("America/New_York")


async def ask(
    practice: Practice,
    client: str,
    rule: str = "FREQ=WEEKLY;COUNT=3",
    path: str = "",
    start: datetime = FIRST,
    **more: Any,
) -> httpx.Response:
    body = {"slot": practice.slot(start), "client_id": client, "rrule": rule} | more.get("body", {})
    headers = practice.headers(more.get("role", "staff"), **more.get("claims", {})) | more.get("headers", {})
    return await practice.http.post(f"/v1/series{path}", json=body, headers=headers)


async def change(
    practice: Practice, series: dict[str, Any], number: int, move: str, headers: Any = None, **body: Any
) -> httpx.Response:
    body = {"appointment_id": series["appointments"][number]["id"], "scope": "this-and-following"} | body
    path = f"/v1/series/{series['id']}/{move}"
    return await practice.http.post(path, json=body, headers=headers or practice.headers())


def starts(items: list[dict[str, Any]]) -> list[datetime]:
    return [datetime.fromisoformat(item["start"]) for item in items]


def statuses(series: dict[str, Any]) -> list[str]:
    return [item["status"] for item in series["appointments"]]


async def told(practice: Practice) -> list[str]:
    query = text("SELECT topic FROM outbox WHERE topic LIKE 'appointment.%' ORDER BY id")
    async with practice.resources.database.transaction(practice.tenant) as session:
        return list(await session.scalars(query))


async def deadlocks(practice: Practice) -> int:
    query = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    async with practice.resources.database.every_tenant() as session:
        return int(await session.scalar(query) or 0)
