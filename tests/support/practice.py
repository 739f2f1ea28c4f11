"""A practice with a published schedule and clients, in booking's database."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from services.booking.use_cases import following
from shared.contracts.availability import SchedulePublished, ScheduleWithdrawn
from shared.contracts.slots import Plan, SlotId, ceil, free, moment
from tests.support.build import NOW, schedule
from tests.support.issuer import Issuer
from tests.support.servers import SLOT_KEY


@dataclass
class Practice:
    """One tenant, as booking knows it; `now` is the time that its API works with."""

    http: httpx.AsyncClient
    issuer: Issuer
    tenant: UUID
    now: datetime = NOW
    rules: SchedulePublished = field(default_factory=schedule)
    published: dict[UUID, SchedulePublished] = field(default_factory=dict)

    @property
    def resources(self) -> Any:
        return self.http.app.state.resources  # type: ignore[attr-defined] # set by the fixture

    async def publish(self, rules: SchedulePublished | None = None) -> SchedulePublished:
        rules = rules or self.rules
        async with self.resources.database.transaction(self.tenant) as session:
            await following.replicate_schedule(session, tenant=self.tenant, schedule=rules, now=self.now)
        self.published[rules.schedule_id] = rules
        return rules

    async def withdraw(self) -> None:
        """The schedule isn't to be had any more."""
        gone = ScheduleWithdrawn.model_validate({**self.rules.model_dump(), "sequence": self.rules.sequence + 1})
        async with self.resources.database.transaction(self.tenant) as session:
            await following.replicate_schedule(session, tenant=self.tenant, schedule=gone, now=NOW)

    def headers(self, role: str = "staff", **claims: Any) -> dict[str, str]:
        return self.issuer.headers(self.tenant, role, **claims)

    async def client(self) -> str:
        answer = await self.http.post("/v1/clients", json={"name": "Sam Rivera"}, headers=self.headers())
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def starts(self, count: int) -> list[datetime]:
        """The first free times of the schedule, none overlapping the one before."""
        found: list[datetime] = []
        first, last = ceil(self.now + timedelta(hours=1)), ceil(self.now + timedelta(days=60))
        for start in map(moment, free(Plan(self.rules), [], first, last, self.now)):
            if not found or start >= found[-1] + timedelta(hours=1):
                found.append(start)
            if len(found) == count:
                break
        return found

    def slot(self, start: datetime, **changes: Any) -> str:
        """A signed slot id, as availability would give it out."""
        values = {"schedule_id": self.rules.schedule_id, "start": start, "expires": self.now + timedelta(hours=1)}
        schedule = self.published.get(changes.get("schedule_id", self.rules.schedule_id), self.rules)
        values["terms"] = Plan(schedule).terms
        key, tenant = changes.pop("key", SLOT_KEY), changes.pop("tenant", self.tenant)
        return SlotId(**{**values, **changes}).sign(key, tenant)

    async def book(
        self, start: datetime, client_id: str | None = None, key: str | None = None, **headers: str
    ) -> httpx.Response:
        body = {"slot": self.slot(start), "client_id": client_id or await self.client()}
        if key:
            headers["idempotency-key"] = key
        return await self.http.post("/v1/appointments", json=body, headers={**self.headers(), **headers})

    async def act(self, appointment: dict[str, Any], move: str, body: Any = None, **headers: str) -> httpx.Response:
        path = f"/v1/appointments/{appointment['id']}/{move}"
        return await self.http.post(path, json=body, headers={**self.headers(), **headers})


async def count(practice: Practice, table: str) -> int:
    """Rows of this tenant in a table."""
    from sqlalchemy import text

    async with practice.resources.database.transaction(practice.tenant) as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def new_id() -> str:
    return str(uuid4())
