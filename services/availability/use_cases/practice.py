"""Practices, providers, locations, rooms and appointment types."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.availability import repository
from services.availability.domain.practice import AppointmentType, Location, Practice, Provider, Room, check_timing
from shared.contracts.availability import Modality
from shared.contracts.directory import Directory, NamedLocation, NamedProvider, NamedType
from shared.errors import invalid, not_found
from shared.telemetry import annotate, use_case


@use_case
async def set_practice(session: AsyncSession, *, practice: Practice) -> Practice:
    await repository.practice.save_practice(session, practice)
    await repository.changes.announce(session, practice.id, None)
    return practice


MOST_NAMES = 1_000
"""Of each kind on a page; a practice with more has other ways to book."""


@use_case
async def directory(session: AsyncSession) -> Directory:
    """The practice as its clients know it. Raises Problem `practice_not_found` for one without a name yet."""
    found = await repository.practice.practice(session)
    if found is None:
        raise not_found("practice")
    providers = await repository.practice.providers_page(session, None, MOST_NAMES)
    locations = await repository.practice.locations_page(session, None, MOST_NAMES)
    types = await repository.practice.appointment_types_page(session, None, MOST_NAMES)
    return Directory(
        name=found.name,
        zone=found.zone,
        providers=tuple(NamedProvider(id=item.id, name=item.name) for item in providers),
        locations=tuple(NamedLocation(id=item.id, name=item.name, modality=item.modality) for item in locations),
        appointment_types=tuple(
            NamedType(id=item.id, name=item.name, intake=item.intake, duration=item.duration) for item in types
        ),
    )


@use_case
async def add_provider(session: AsyncSession, *, tenant: UUID, name: str, zone: str, now: datetime) -> Provider:
    provider = Provider(id=uuid7(), name=name, zone=zone, created_at=now)
    await repository.practice.add_provider(session, tenant, provider)
    await repository.changes.announce(session, tenant, None)
    annotate(provider_id=provider.id)
    return provider


@use_case
async def add_location(
    session: AsyncSession, *, tenant: UUID, name: str, zone: str, modality: Modality, now: datetime
) -> Location:
    location = Location(id=uuid7(), name=name, zone=zone, modality=modality, created_at=now)
    await repository.practice.add_location(session, tenant, location)
    await repository.changes.announce(session, tenant, None)
    annotate(location_id=location.id)
    return location


@use_case
async def add_room(session: AsyncSession, *, tenant: UUID, location_id: UUID, name: str, now: datetime) -> Room:
    """Raises Problem `location_unknown`, or `room_needs_site` for telehealth."""
    location = await repository.practice.location(session, location_id)
    if location is None:
        raise invalid("location_unknown", "There is no such location in this practice.", field="location_id")
    if location.modality == "telehealth":
        raise invalid("room_needs_site", "Telehealth has no rooms; name a site.", field="location_id")
    room = Room(id=uuid7(), location_id=location_id, name=name, created_at=now)
    await repository.practice.add_room(session, tenant, room)
    annotate(room_id=room.id)
    return room


@use_case
async def add_appointment_type(
    session: AsyncSession, *, tenant: UUID, name: str, intake: bool, timing: Mapping[str, timedelta], now: datetime
) -> AppointmentType:
    """Raises Problem `duration_out_of_range`, `step_uneven` or `notice_beyond_horizon`."""
    check_timing(timing)
    kind = AppointmentType(id=uuid7(), name=name, intake=intake, created_at=now, **timing)
    await repository.practice.add_appointment_type(session, tenant, kind)
    await repository.changes.announce(session, tenant, None)
    annotate(appointment_type_id=kind.id)
    return kind
