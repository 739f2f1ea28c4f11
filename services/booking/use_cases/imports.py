"""Taking over visits from another system."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain import appointments, imports
from services.booking.domain.appointments import Actor
from services.booking.domain.files import Read
from services.booking.domain.imports import ImportRefused, Known, Outcome, Row, Taking, Weighed
from shared.contracts.slots import SlotId
from shared.db import EXCLUSION_VIOLATION, UNIQUE_VIOLATION, sqlstate
from shared.errors import conflict
from shared.telemetry import annotate, current_traceparent, use_case


@use_case
async def preview_import(session: AsyncSession, *, read: Read, now: datetime) -> Outcome:
    """What an import of the file would do; nothing is written or locked."""
    return _outcome(read, await _weigh(session, read.rows, now, lock=False))


@use_case
async def import_visits(
    session: AsyncSession, *, tenant: UUID, read: Read, partial: bool, actor: Actor, now: datetime
) -> Outcome:
    """Takes over every visit of a file, or none; with `partial` those that can be. What is here already stays.

    Raises ImportRefused, or Problem `import_raced` where the like was booked meanwhile.
    """
    weighed = await _weigh(session, read.rows, now, lock=True)
    outcome = _outcome(read, weighed)
    annotate(**{f"import.{name}": count for name, count in outcome.counts().items()})
    if outcome.refusals and not partial:
        raise ImportRefused(outcome)
    try:
        await repository.imports.add(
            session, tenant, [_change(taking, actor, now) for taking in weighed.takings], actor, now
        )
    except DBAPIError as error:
        if sqlstate(error) in (EXCLUSION_VIOLATION, UNIQUE_VIOLATION):
            raise conflict("import_raced", "Somebody imports or books the like right now; send it again.") from error
        raise
    return outcome


async def _weigh(session: AsyncSession, rows: Sequence[Row], now: datetime, *, lock: bool) -> Weighed:
    """Looks at everything that rows speak of; under the locks of providers, rooms and clients where it is to be had."""
    if not rows:
        return Weighed()
    found = repository.imports
    plans, withdrawn = await found.plans_of(session, {row.schedule_id for row in rows})
    client_ids = {row.client_id for row in rows}
    if lock:
        await found.lock_providers(session, {plan.provider_id for plan in plans.values()})
        await repository.taken.lock_rooms(session, sorted({room for plan in plans.values() for room in plan.rooms}))
    clients = await found.clients_of(session, client_ids, lock=lock)
    known = Known(await found.known_as(session, [row.external_id for row in rows]), clients, plans, withdrawn)
    begin, end = imports.reach(rows, plans.values())
    standing = await found.standing(session, plans.values(), client_ids, begin, end, now)
    # Thousands of rows are a second's work; others are served meanwhile.
    return await asyncio.to_thread(imports.weigh, rows, known, standing, now)


def _change(taking: Taking, actor: Actor, now: datetime) -> appointments.Change:
    row = taking.row
    return appointments.bring_in(
        id=taking.id,
        external_id=row.external_id,
        status=taking.status,
        slot=SlotId(row.schedule_id, row.start, now),
        schedule=taking.plan.state,
        place=taking.place,
        client_id=row.client_id,
        actor=actor,
        now=now,
        traceparent=current_traceparent(),
    )


def _outcome(read: Read, weighed: Weighed) -> Outcome:
    imported = [(taking.row.number, taking.id) for taking in weighed.takings]
    refusals = sorted([*read.refusals, *weighed.refusals], key=lambda item: item.number)
    return Outcome(len(read), imported, len(weighed.unchanged), refusals)
