"""A request is broken off in time, unless what it is at has said that it needs longer."""

import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from shared.db import be_patient
from shared.patience import extended_by, take_up_to
from shared.web import Deadline


async def status_of(longer: float | None, seconds: float = 0.05) -> int:
    told: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if longer is not None:
            take_up_to(longer)
        await asyncio.sleep(0.2)
        await PlainTextResponse("done")(scope, receive, send)

    async def send(message: Any) -> None:
        told.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    await Deadline(app, seconds)(scope, lambda: asyncio.sleep(1), send)  # type: ignore[arg-type,return-value] # nothing comes
    return int(told[0]["status"])


@pytest.mark.parametrize(("longer", "status"), [(None, 503), (0.01, 503), (5.0, 200)])
async def test_it_is_broken_off_unless_it_was_given_longer(longer: float | None, status: int) -> None:
    assert await status_of(longer) == status


async def test_what_waits_for_a_lock_patiently_has_longer_than_the_lock_is_waited_for() -> None:
    said: list[Any] = []

    class Session:
        async def execute(self, statement: Any) -> None:
            said.append(str(statement))

    with extended_by(said.append):
        await be_patient(Session())  # type: ignore[arg-type] # what it is asked for
    take_up_to(60)
    [seconds] = [one for one in said if isinstance(one, float)]
    assert seconds > 25, "and no other: no request was at hand any more"
    assert any("lock_timeout = '25s'" in str(one) for one in said)
