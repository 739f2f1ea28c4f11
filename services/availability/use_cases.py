"""What availability does, a function per verb: load, decide, save, record the event; the caller's transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.availability import domain, repository
from services.availability.domain import AppointmentType, Location, Offer, Practice, Provider, Schedule
from shared.contracts.availability import Modality, ScheduleState, Window
from shared.contracts.booking import AppointmentState
from shared.contracts.slots import Interval
from shared.errors import Problem, invalid, require_version
from shared.telemetry import annotate, use_case


@use_case
async def set_practice(session: AsyncSession, *, practice: Practice) -> Practice:
    await repository.save_practice(session, practice)
    return practice


@use_case
async def add_provider(session: AsyncSession, *, tenant: UUID, name: str, zone: str, now: datetime) -> Provider:
    provider = Provider(id=uuid7(), name=name, zone=zone, created_at=now)
    await repository.add_provider(session, tenant, provider)
    annotate(provider_id=provider.id)
    return provider


@use_case
async def add_location(
    session: AsyncSession, *, tenant: UUID, name: str, zone: str, modality: Modality, now: datetime
) -> Location:
    location = Location(id=uuid7(), name=name, zone=zone, modality=modality, created_at=now)
    await repository.add_location(session, tenant, location)
    annotate(location_id=location.id)
    return location


@use_case
async def add_appointment_type(
    session: AsyncSession, *, tenant: UUID, name: str, timing: Mapping[str, timedelta], now: datetime
) -> AppointmentType:
    """Raises Problem `duration_out_of_range` or `notice_beyond_horizon`."""
    domain.check_timing(timing)
    kind = AppointmentType(id=uuid7(), name=name, created_at=now, **timing)
    await repository.add_appointment_type(session, tenant, kind)
    annotate(appointment_type_id=kind.id)
    return kind


@use_case
async def publish_schedule(
    session: AsyncSession,
    *,
    tenant: UUID,
    provider_id: UUID,
    appointment_type_id: UUID,
    location_id: UUID,
    windows: Sequence[Window],
    zone: str | None,
    overrides: Mapping[str, timedelta],
    now: datetime,
) -> Schedule:
    """Raises Problem `provider_unknown`, `appointment_type_unknown`, `location_unknown`, or what the rules refuse."""
    provider = await repository.provider(session, provider_id)
    if provider is None:
        raise _unknown("provider", "provider_id")
    kind = await repository.appointment_type(session, appointment_type_id)
    if kind is None:
        raise _unknown("appointment_type", "appointment_type_id")
    location = await repository.location(session, location_id)
    if location is None:
        raise _unknown("location", "location_id")
    schedule, event = domain.publish(
        id=uuid7(),
        provider=provider,
        kind=kind,
        location=location,
        windows=windows,
        zone=zone,
        overrides=overrides,
        now=now,
    )
    await repository.add_schedule(session, tenant, schedule)
    await _saved(session, tenant, schedule, event, now)
    return schedule


@use_case
async def replace_schedule(
    session: AsyncSession,
    *,
    tenant: UUID,
    schedule_id: UUID,
    version: int,
    windows: Sequence[Window],
    zone: str | None,
    overrides: Mapping[str, timedelta],
    now: datetime,
) -> Schedule:
    """Other windows and durations for the same schedule; whatever is booked stays."""
    locked = await _locked(session, schedule_id, version)
    provider = await repository.provider(session, locked.provider_id)
    kind = await repository.appointment_type(session, locked.appointment_type_id)
    if provider is None or kind is None:
        raise AssertionError("a schedule's provider and type are held by foreign keys")
    schedule, event = domain.replace_rules(
        locked, provider=provider, kind=kind, windows=windows, zone=zone, overrides=overrides, now=now
    )
    await repository.save_schedule(session, schedule)
    await _saved(session, tenant, schedule, event, now)
    return schedule


@use_case
async def withdraw_schedule(
    session: AsyncSession, *, tenant: UUID, schedule_id: UUID, version: int | None, now: datetime
) -> Schedule:
    """Offers nothing any more; a second time changes nothing."""
    locked = await _locked(session, schedule_id, version)
    change = domain.withdraw(locked, now)
    if change is None:
        return locked
    schedule, event = change
    await repository.save_schedule(session, schedule)
    await _saved(session, tenant, schedule, event, now)
    return schedule


@use_case
async def follow_visit(session: AsyncSession, *, tenant: UUID, state: AppointmentState) -> None:
    annotate(appointment_id=state.appointment_id)
    await repository.save_occupied(session, tenant, domain.occupied_by(state))


@use_case
async def search(
    session: AsyncSession,
    *,
    appointment_type_id: UUID,
    begin: datetime,
    end: datetime,
    provider_ids: Collection[UUID],
    location_ids: Collection[UUID],
    modality: Modality | None,
    after: tuple[datetime, UUID] | None,
    most: int,
    now: datetime,
) -> list[Offer]:
    """The first free slots in `[begin, end)`, after a position.

    Raises Problem `range_inverted`, `range_too_long`, `appointment_type_unknown`, `provider_unknown` or
    `location_unknown`.
    """
    interval = domain.search_range(begin, end, now)
    if await repository.appointment_type(session, appointment_type_id) is None:
        raise _unknown("appointment_type", "appointment_type")
    if await repository.unknown_providers(session, provider_ids):
        raise _unknown("provider", "provider")
    if await repository.unknown_locations(session, location_ids):
        raise _unknown("location", "location")
    found = await repository.schedules_of_type(session, appointment_type_id, provider_ids, location_ids, modality)
    if interval is None or not found:
        return []
    begin, end = interval
    schedules = [domain.state(schedule) for schedule in found]
    around = domain.reach(schedules)
    busy: dict[UUID, list[Interval]] = {}
    providers = {schedule.provider_id for schedule in schedules}
    for provider_id, taken in await repository.busy(session, providers, begin - around, end + around):
        busy.setdefault(provider_id, []).append(taken)
    return list(islice(domain.offers(schedules, busy, begin, end, after, now), most))


def _unknown(what: str, field: str) -> Problem:
    return invalid(f"{what}_unknown", f"There is no such {what.replace('_', ' ')} in this practice.", field=field)


async def _locked(session: AsyncSession, schedule_id: UUID, version: int | None) -> Schedule:
    annotate(schedule_id=schedule_id)
    schedule = await repository.schedule(session, schedule_id, lock=True)
    require_version(version, schedule.sequence)
    return schedule


async def _saved(session: AsyncSession, tenant: UUID, schedule: Schedule, event: ScheduleState, now: datetime) -> None:
    await repository.record(session, tenant, event, now)
    annotate(schedule_id=schedule.id, provider_id=schedule.provider_id)
