"""Publishing, replacing and withdrawing schedules."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.availability import repository
from services.availability.domain import schedules
from services.availability.domain.practice import Provider
from services.availability.domain.schedules import Rules, Schedule
from services.availability.use_cases.calendars import read_further
from services.availability.use_cases.publishing import around, publish
from shared.contracts.availability import ScheduleState
from shared.errors import Problem, conflict, invalid, require_version
from shared.telemetry import use_case

Published = tuple[Schedule, ScheduleState]


@use_case
async def publish_schedule(
    session: AsyncSession,
    *,
    tenant: UUID,
    provider_id: UUID,
    appointment_type_id: UUID,
    location_id: UUID,
    rules: Rules,
    now: datetime,
) -> Published:
    """Raises Problem `provider_unknown`, `appointment_type_unknown`, `location_unknown`, `room_unknown`,
    `schedule_exists`, or what the rules refuse."""
    try:
        provider = await repository.practice.provider(session, provider_id, lock=True)
    except Problem as error:
        raise unknown("provider", "provider_id") from error
    kind = await repository.practice.appointment_type(session, appointment_type_id)
    if kind is None:
        raise unknown("appointment_type", "appointment_type_id")
    location = await repository.practice.location(session, location_id)
    if location is None:
        raise unknown("location", "location_id")
    await _check_rooms(session, location_id, rules)
    for known, _ in await repository.schedules.of_provider(session, provider_id):
        if (known.appointment_type_id, known.location_id) == (appointment_type_id, location_id):
            told = "This provider has a schedule for this type at this location; change that one, or withdraw it first."
            raise conflict("schedule_exists", told, schedule_id=str(known.id))
    schedule = schedules.publish(id=uuid7(), provider=provider, kind=kind, location=location, rules=rules, now=now)
    state = await publish(session, tenant, schedule, await around(session, provider, now), now, added=True)
    await read_further(session, tenant, provider_id, now)
    return schedule, state


@use_case
async def replace_schedule(
    session: AsyncSession, *, tenant: UUID, schedule_id: UUID, version: int, rules: Rules, now: datetime
) -> Published:
    """Other rules for the same schedule; whatever is booked stays."""
    provider, schedule = await _locked(session, schedule_id, version)
    kind = await repository.practice.appointment_type(session, schedule.appointment_type_id)
    if kind is None:
        raise AssertionError("a schedule's type is held by a foreign key")
    await _check_rooms(session, schedule.location_id, rules)
    changed = schedules.replace_rules(schedule, kind=kind, rules=rules, now=now)
    holding = await around(session, provider, now)
    before = schedules.state(schedule, holding, now)
    state = await publish(session, tenant, changed, holding, now, before)
    await read_further(session, tenant, provider.id, now)
    return changed, state


@use_case
async def withdraw_schedule(
    session: AsyncSession, *, tenant: UUID, schedule_id: UUID, version: int | None, now: datetime
) -> Published:
    """Offers nothing any more; a second time changes nothing."""
    provider, schedule = await _locked(session, schedule_id, version)
    holding = await around(session, provider, now)
    withdrawn = schedules.withdraw(schedule, now)
    if withdrawn is None:
        return schedule, schedules.state(schedule, holding, now)
    return withdrawn, await publish(session, tenant, withdrawn, holding, now)


@use_case
async def get_schedule(session: AsyncSession, *, schedule_id: UUID, now: datetime) -> Published:
    """A schedule, withdrawn ones too, with all rules that hold for it."""
    schedule = await repository.schedules.get(session, schedule_id)
    provider = await repository.practice.provider(session, schedule.provider_id)
    return schedule, schedules.state(schedule, await around(session, provider, now), now)


def unknown(what: str, field: str) -> Problem:
    return invalid(f"{what}_unknown", f"There is no such {what.replace('_', ' ')} in this practice.", field=field)


async def _check_rooms(session: AsyncSession, location_id: UUID, rules: Rules) -> None:
    if not rules.room_ids:
        return
    known = await repository.practice.rooms_at(session, location_id, rules.room_ids)
    for index, room_id in enumerate(rules.room_ids):
        if room_id not in known:
            raise invalid("room_unknown", "There is no such room at this location.", field=f"room_ids.{index}")


async def _locked(session: AsyncSession, schedule_id: UUID, version: int | None) -> tuple[Provider, Schedule]:
    """The provider first: whoever holds them changes what is published of all their schedules."""
    schedule = await repository.schedules.get(session, schedule_id)
    provider = await repository.practice.provider(session, schedule.provider_id, lock=True)
    schedule = await repository.schedules.get(session, schedule_id)
    require_version(version, schedule.version)
    return provider, schedule
