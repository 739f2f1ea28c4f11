"""What conditions are asked about, as it is at the moment."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.conditions import Facts
from services.notifications.domain.model import Message, Visit
from services.notifications.domain.outreach import OF_FLOW, Outreach, is_held_out
from services.notifications.domain.plans import OF_PLAN, ReminderPlan


class Conditions:
    """Of steps of reminder plans; a plan is read once."""

    def __init__(self) -> None:
        self._plans: dict[int, ReminderPlan] = {}

    async def unmet_of(self, session: AsyncSession, message: Message, visit: Visit | None) -> str | None:
        """The condition of a planned message's step that doesn't hold now, if it has such a one."""
        version = message.plan_version
        if version is None or visit is None:
            return None
        if version not in self._plans:
            _, self._plans[version] = await repository.plans.plan(session, version)
        plan = self._plans[version]
        number = int(message.step.removeprefix(OF_PLAN))
        when = plan.steps[number].when
        if not when.asks:
            return None
        before = await repository.messages.arrived(
            session, f"{OF_PLAN}{number - 1}", visit_id=visit.id, sequence=message.appointment_sequence
        )
        known = replace(
            await _of_visit(session, visit),
            step_before_arrived=before,
            held_out=is_held_out(plan.holdout_percent, version, message.client_id),
        )
        return when.unmet(known)


async def of_outreach(session: AsyncSession, run: Outreach) -> Facts:
    """What is known of a missed visit, and of what the step before has come to."""
    visit = await repository.visits.find(session, run.appointment_id)
    known = await _of_visit(session, visit) if visit else Facts()
    before = await repository.messages.arrived(session, f"{OF_FLOW}{run.step - 1}", outreach_id=run.id)
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
