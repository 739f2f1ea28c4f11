"""A worker's sending in a process of its own, which the kernel kills at a chosen moment around the carrier's call.

`python -m tests.notifications.victim <moment>` with the tenant and the settings as JSON in `VICTIM`.
"""

import asyncio
import json
import os
import signal
import sys
from typing import Any
from uuid import UUID

from services.notifications import jobs
from services.notifications.clients.mail import MailServer
from services.notifications.clients.outbound import Outbound
from services.notifications.clients.phone import PhoneCarrier
from services.notifications.resources import open_resources
from services.notifications.settings import Settings
from shared.timers import Timer, TimerRunner

MOMENTS = ("before the carrier is asked", "after the carrier took it", "after the commit")


async def dies(moment: str, tenant: UUID, settings: Settings) -> int:
    """Runs the victim; returns what its end left as return code (-9: killed, as it should be)."""
    victim = json.dumps({"tenant": str(tenant), "settings": settings.model_dump(mode="json")})
    command = ("-m", "tests.notifications.victim", moment)
    process = await asyncio.create_subprocess_exec(sys.executable, *command, env={**os.environ, "VICTIM": victim})
    try:
        return await asyncio.wait_for(process.wait(), 60)
    finally:
        if process.returncode is None:
            process.kill()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(moment: str) -> None:
    work = json.loads(os.environ["VICTIM"])
    tenant, settings = UUID(work["tenant"]), Settings(**work["settings"])
    for carrier in (PhoneCarrier, MailServer):
        _make_deadly(carrier, moment)
    async with open_resources(settings) as resources:
        runner = TimerRunner(resources.database, jobs.timers(resources), many=jobs.timers_together(resources))
        due: list[Timer] = [timer for timer in await runner.claim(50) if timer.tenant == tenant]
        await runner.fire_all(due)
    die()


def _make_deadly(carrier: type[PhoneCarrier | MailServer], moment: str) -> None:
    send: Any = carrier.send

    async def deadly(self: object, message: Outbound) -> str:
        if moment == MOMENTS[0]:
            die()
        carrier_id: str = await send(self, message)
        if moment == MOMENTS[1]:
            die()
        return carrier_id

    carrier.send = deadly  # type: ignore[method-assign] # what a test in another process can't reach


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
