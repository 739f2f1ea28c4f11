"""What conditions are asked about, as it is at the moment."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.check_ins import OF_CHECK_INS, CheckInPlan
from services.notifications.domain.conditions import Facts
from services.notifications.domain.model import Message, Visit
from services.notifications.domain.outreach import Outreach, is_held_out
from services.notifications.domain.plans import ReminderPlan


class Conditions:
    """Of steps of reminder and check-in plans; a plan is read once."""

    def __init__(self) -> None:
        self._plans: dict[int, ReminderPlan] = {}
        self._check_ins: dict[int, CheckInPlan] = {}

    async def unmet_of(self, session: AsyncSession, message: Message, visit: Visit | None) -> str | None:
        """The condition of a planned message's step that doesn't hold now, if it has such a one."""
        version = message.plan_version
        if version is None or visit is None:
            return None
        plan, number = message.step.split(".")
        if plan == OF_CHECK_INS.rstrip("."):
            when, held_out = (await self._check_in_plan(session, version)).steps[int(number)].when, False
        else:
            reminders = await self._plan(session, version)
            when = reminders.steps[int(number)].when
            held_out = is_held_out(reminders.holdout_percent, version, message.client_id, "plan")
        if not when.asks:
            return None
        step = f"{plan}.{int(number) - 1}"
        before = await repository.messages.arrived(session, message, step)
        known = replace(await _of_visit(session, visit), step_before_arrived=before, held_out=held_out)
        return when.unmet(known)

    async def _plan(self, session: AsyncSession, version: int) -> ReminderPlan:
        if version not in self._plans:
            _, self._plans[version] = await repository.plans.plan(session, version)
        return self._plans[version]

    async def _check_in_plan(self, session: AsyncSession, version: int) -> CheckInPlan:
        if version not in self._check_ins:
            _, self._check_ins[version] = await repository.check_ins.plan(session, version)
        return self._check_ins[version]


async def of_outreach(session: AsyncSession, run: Outreach) -> Facts:
    """What is known of a missed visit, and of what the last message of the run has come to."""
    visit = await repository.visits.find(session, run.appointment_id)
    known = await _of_visit(session, visit) if visit else Facts()
    before = await repository.messages.last_arrived(session, run.id)
    # Of a miss, only what the client has said of this one counts.
    return replace(known, barrier=run.barrier, step_before_arrived=before, held_out=run.held_out)


async def _of_visit(session: AsyncSession, visit: Visit) -> Facts:
    been, misses = await repository.visits.past_of(session, visit)
    return Facts(
        first_visit=not been,
        unconfirmed=visit.confirmed_at is None,
        lead_time=max(visit.start - visit.booked_at, timedelta(0)),
        modality=visit.modality,
        barrier=await repository.outreach.last_barrier(session, visit.client_id),
        misses=misses,
    )
