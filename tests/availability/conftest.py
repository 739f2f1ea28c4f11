"""Availability's harness: one practice, by its own API on real PostgreSQL."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from services.availability.jobs import timers
from services.availability.use_cases import projection
from shared.contracts.booking import HoldState
from shared.timers import TimerRunner
from tests.conftest import MakeApi
from tests.support.build import NOW
from tests.support.issuer import Issuer

WEEK = [{"weekday": day, "start": "09:00", "end": "17:00"} for day in range(5)]
TIMING = {"duration": "PT50M", "buffer_after": "PT10M", "step": "PT30M"}


class Practice:
    """One tenant of availability with a provider, a place and a kind of visit."""

    def __init__(self, http: httpx.AsyncClient, issuer: Issuer, tenant: UUID) -> None:
        self.http, self.issuer, self.tenant = http, issuer, tenant
        self.database = http.app.state.resources.database  # type: ignore[attr-defined] # set by the fixture
        self.ids: dict[str, str] = {}

    async def call(self, method: str, path: str, expect: int = 200, **more: Any) -> Any:
        headers = {**self.issuer.headers(self.tenant), **more.pop("headers", {})}
        answer = await self.http.request(method, path, headers=headers, **more)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def open(self, **timing: Any) -> None:
        await self.open_in("America/New_York", **timing)

    async def open_in(self, zone: str, **timing: Any) -> None:
        provider = await self.call("POST", "/v1/providers", 201, json={"name": "A", "zone": zone})
        place = {"name": "Site", "zone": zone, "modality": "in_person"}
        location = await self.call("POST", "/v1/locations", 201, json=place)
        kind = await self.call("POST", "/v1/appointment-types", 201, json={"name": "S", **TIMING, **timing})
        self.ids = {
            "provider_id": provider["id"],
            "location_id": location["id"],
            "appointment_type_id": kind["id"],
        }

    async def publish(self, windows: Any = None, **more: Any) -> dict[str, Any]:
        body = {**self.ids, "windows": windows or WEEK, **more}
        found: dict[str, Any] = await self.call("POST", "/v1/schedules", 201, json=body)
        return found

    async def search(self, days: int = 7, begin: datetime = NOW, **more: Any) -> dict[str, Any]:
        query = {
            "appointment_type": self.ids["appointment_type_id"],
            "from": begin.isoformat(),
            "to": (begin + timedelta(days=days)).isoformat(),
            "limit": "200",
            **more,
        }
        found: dict[str, Any] = await self.call("GET", "/v1/slots", params=query)
        return found

    async def follow(self, *events: Any) -> None:
        for event in events:
            async with self.database.transaction(self.tenant) as session:
                await projection.follow_visit(session, tenant=self.tenant, state=event, now=NOW)
        await self.http.app.state.resources.board.look()  # type: ignore[attr-defined] # set by the fixture

    async def follow_hold(self, *events: HoldState) -> None:
        for event in events:
            async with self.database.transaction(self.tenant) as session:
                await projection.follow_hold(session, tenant=self.tenant, state=event, now=NOW)
        await self.http.app.state.resources.board.look()  # type: ignore[attr-defined] # set by the fixture

    async def fire_due(self) -> int:
        """Fires every timer that is due by the database's clock; how many there were."""
        resources = self.http.app.state.resources  # type: ignore[attr-defined] # set by the fixture
        runner, fired = TimerRunner(self.database, timers(resources)), 0
        while due := [timer for timer in await runner.claim(100) if timer.tenant == self.tenant]:
            for timer in due:
                await runner.fire(timer)
                fired += 1
        await resources.board.look()
        return fired

    async def outbox(self, topics: str = "schedule.%") -> list[tuple[str, dict[str, Any]]]:
        query = text("SELECT topic, payload FROM outbox WHERE topic LIKE :topics ORDER BY id")
        async with self.database.transaction(self.tenant) as session:
            rows = await session.execute(query, {"topics": topics})
            return [(row.topic, json.loads(row.payload)) for row in rows]


@pytest.fixture
async def practice(api: MakeApi, issuer: Issuer, tenant: UUID) -> AsyncIterator[Practice]:
    one = Practice(await api("availability", clock=lambda: NOW), issuer, tenant)
    await one.open()
    yield one
