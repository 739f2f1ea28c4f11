"""The broker is away and a visit changes: what its old state had planned is not sent, what still holds is."""

from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from deploy.local.stack import Stack
from tests.chaos.load import Load
from tests.support.streams import eventually

pytestmark = pytest.mark.servers

PLAN = {"steps": [{"purpose": "reminder", "anchor": "booking", "offset": "PT8S", "channels": ["email"]}]}


class Book:
    """Visits of one practice, and what notifications did and says of each client."""

    def __init__(self, load: Load) -> None:
        self.load = load

    async def visit(self, number: int) -> dict[str, Any]:
        body = {"slot": self.load.slots[40 * (number + 3)], "client_id": self.load.clients[number]}
        visit: dict[str, Any] = await self.load.staff.call("POST", "booking", "/v1/appointments", expect=201, json=body)
        return visit

    async def change(self, visit: dict[str, Any], move: str, body: dict[str, Any]) -> None:
        await self.load.staff.call("POST", "booking", f"/v1/appointments/{visit['id']}/{move}", json=body)

    async def says(self, visit: dict[str, Any]) -> list[tuple[str, str | None]]:
        path = f"/v1/clients/{visit['client_id']}/explain"
        found = await self.load.staff.call("GET", "notifications", path)
        return [(one["outcome"], one["reason"]) for one in found["items"]]

    async def holds(self, visit: dict[str, Any], is_so: Callable[[list[tuple[str, str | None]]], bool]) -> bool:
        return is_so(await self.says(visit))

    async def reminders(self, number: int) -> int:
        """Mails that remind; the one that says that the visit is cancelled is due to its client."""
        return await self._mails(number, "A reminder of your visit")

    async def is_told_of_the_end(self, number: int) -> bool:
        return await self._mails(number, "is cancelled") == 1

    async def _mails(self, number: int, contains: str) -> int:
        url = f"{self.load.stack.urls['receivers']}/api/messages"
        answer = await self.load.http.get(
            url, params={"to": f"c{number}-{self.load.practice}@example.org", "contains": contains}
        )
        return len(answer.json()["items"])


async def test_a_visit_changed_while_the_broker_is_away_is_not_reminded_of(stack: Stack) -> None:
    assert stack.kafka is not None
    async with httpx.AsyncClient(timeout=30) as http:
        load = Load(stack, http)
        await load.open(PLAN)
        book = Book(load)
        cancelled, moved, kept = [await book.visit(number) for number in range(3)]
        for visit in (cancelled, moved, kept):
            await eventually(partial(book.holds, visit, lambda found: ("planned", None) in found))
        stack.kafka.pause()
        try:
            await book.change(cancelled, "cancel", {"reason": "illness"})
            await book.change(moved, "reschedule", {"slot": load.slots[-1]})
            for visit in (cancelled, moved):
                await eventually(partial(book.holds, visit, lambda found: ("waiting", "news_on_the_way") in found))
            await eventually(partial(book.holds, kept, lambda found: ("sent", None) in found))
            assert [await book.reminders(number) for number in range(3)] == [0, 0, 1]
        finally:
            stack.kafka.resume()
        for visit in (cancelled, moved):
            await eventually(partial(book.holds, visit, lambda found: ("not_sent", "visit_changed") in found), 60)
        await eventually(partial(book.is_told_of_the_end, 0), 60)
        assert await book.reminders(0) == 0
