"""Bookings under way while things break, and a look into each service's database."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from deploy.local.demo import world
from deploy.local.demo.actors import Caller
from deploy.local.stack import Stack

CLIENTS = 6
PLAN = {"steps": [{"purpose": "confirmation", "anchor": "booking", "offset": "PT0S", "channels": ["email"]}]}


class Load:
    """A practice with clients who book one slot after the other, whatever happens around them."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        self.stack = stack
        self.http = http
        self.practice = str(uuid4())
        token = stack.token(role="admin", practice=self.practice)
        self.staff = Caller(http, stack.urls, token)
        self.booked: list[dict[str, Any]] = []
        self.statuses: Counter[int] = Counter()
        self.slots: list[str] = []
        self.clients: list[str] = []

    async def open(self, plan: Mapping[str, Any] = PLAN) -> None:
        call, zone = self.staff.call, world.daytime_zone(datetime.now(UTC))
        await call("PUT", "availability", f"/v1/practices/{self.practice}", json={"name": "Maple", "zone": zone})
        provider = await call("POST", "availability", "/v1/providers", expect=201, json={"name": "A", "zone": zone})
        place = {"name": "Site", "zone": zone, "modality": "in_person"}
        location = await call("POST", "availability", "/v1/locations", expect=201, json=place)
        rules = {**world.appointment_type(), "step": "PT6S"}
        kind = await call("POST", "availability", "/v1/appointment-types", expect=201, json=rules)
        schedule = {
            "provider_id": provider["id"],
            "appointment_type_id": kind["id"],
            "location_id": location["id"],
            "windows": world.all_week(),
        }
        await call("POST", "availability", "/v1/schedules", expect=201, json=schedule)
        sender = {
            "name": "Maple",
            "phone": "+12025550100",
            "sms_from": "+12025550111",
            "email_from": "hello@maple.example",
            "alert_email": "desk@maple.example",
        }
        await call("PUT", "notifications", "/v1/sender", json=sender)
        await call("POST", "notifications", "/v1/reminder-plans", expect=201, json=plan)
        for number in range(CLIENTS):
            client = (await call("POST", "booking", "/v1/clients", expect=201, json={"name": "C"}))["id"]
            contact = {"email": f"c{number}-{self.practice}@example.org", "zone": zone}
            path = f"/v1/clients/{client}"
            await call("PUT", "notifications", f"{path}/contact", json=contact)
            consent = {"channel": "email", "granted": True, "wording_version": "1", "source": "form"}
            await call("POST", "notifications", f"{path}/consents", expect=201, json=consent)
            self.clients.append(client)
        now = datetime.now(UTC)
        query = {
            "appointment_type": kind["id"],
            "from": (now + timedelta(seconds=15)).isoformat(),
            "to": (now + timedelta(hours=2)).isoformat(),
            "limit": "200",
        }
        for _ in range(5):
            page = await call("GET", "availability", "/v1/slots", params=query)
            self.slots += [item["slot"] for item in page["items"]]
            query["cursor"] = page["next"]
        await asyncio.sleep(1)

    async def run(self, until: Callable[[], bool]) -> None:
        """Books a slot every 150 ms, cancels each third visit; only answers that a client may see are allowed."""
        headers = {"authorization": f"Bearer {self.staff.token}"}
        url = self.stack.urls["booking"]
        for number, slot in enumerate(self.slots):
            if until():
                return
            body = {"slot": slot, "client_id": self.clients[number % CLIENTS]}
            answer = await self.http.post(f"{url}/v1/appointments", json=body, headers=headers)
            self.statuses[answer.status_code] += 1
            if answer.status_code == 201:
                visit = answer.json()
                self.booked.append(visit)
                if number % 3 == 2:
                    done = await self.http.post(f"{url}/v1/appointments/{visit['id']}/cancel", json={}, headers=headers)
                    self.statuses[done.status_code] += 1
            await asyncio.sleep(0.15)
        raise AssertionError("there were not enough slots for so long a run")


@asynccontextmanager
async def connection(stack: Stack, service: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    url = stack.environments[service][f"{service.upper()}_DATABASE_URL"]
    one = await asyncpg.connect(url, server_settings={"app.every_tenant": "on"})
    try:
        yield one
    finally:
        await one.close()
