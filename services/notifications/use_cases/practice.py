"""What the practice sets: its sender, plans and flows; and each client's contact and consent."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.check_ins import CheckInPlan
from services.notifications.domain.linting import name_finding
from services.notifications.domain.model import Contact, Pause, Preferences, Purpose, Sender
from services.notifications.domain.outreach import FlowAction, OutreachFlow
from services.notifications.domain.plans import ReminderPlan
from services.notifications.domain.reconciling import full_hour
from services.notifications.domain.words import DEFAULT_LANGUAGE, default_words
from shared.contracts.intake import Intake
from shared.contracts.notifications import Channel, ConsentChanged
from shared.db import be_patient
from shared.errors import conflict, invalid
from shared.telemetry import annotate, use_case


@use_case
async def set_sender(session: AsyncSession, *, tenant: UUID, sender: Sender, now: datetime) -> None:
    """From then on, what should go out is looked at hourly. Raises Problem `name_refused`."""
    if (found := name_finding(sender.name)) is not None:
        raise invalid("name_refused", f"name: {found}.", field="name")
    await repository.people.save_sender(session, tenant, sender)
    await repository.reconciling.look_at(session, tenant, full_hour(now))


@use_case
async def set_contact(session: AsyncSession, *, tenant: UUID, contact: Contact) -> None:
    annotate(client_id=contact.client_id)
    # What is on its way to the old address is on record before.
    await repository.people.contact(session, contact.client_id, lock=True)
    await repository.people.save_contact(session, tenant, contact)
    await repository.people.forget_unreachable(session, contact)


@use_case
async def set_preferences(session: AsyncSession, *, tenant: UUID, wished: Preferences) -> None:
    annotate(client_id=wished.client_id)
    # A sending transaction holds this row: what it decided before is on record before this is.
    await repository.people.contact(session, wished.client_id, lock=True)
    await repository.people.save_preferences(session, tenant, wished)


@use_case
async def record_consent(
    session: AsyncSession,
    *,
    tenant: UUID,
    client_id: UUID,
    channel: Channel,
    granted: bool,
    wording_version: str,
    source: str,
    actor: str,
    now: datetime,
) -> str:
    """Keeps a yes or no for the address in use; returns that address. Raises Problem `no_address`."""
    # A sending transaction holds this row: after us, nothing that it decided before can still go out.
    contact = await repository.people.contact(session, client_id, lock=True)
    address = contact.address(channel) if contact else None
    if address is None:
        said = f"The client has no address for {channel}; set the contact first."
        raise conflict("no_address", said, field="channel")
    await add_consent(session, tenant, client_id, channel, address, granted, wording_version, source, actor, now)
    return address


async def has_agreed(session: AsyncSession, contact: Contact, channel: Channel) -> bool:
    """Whether the client has ever said yes to this channel, for the address in use."""
    said = await repository.people.consents_of(session, contact.client_id)
    address = contact.address(channel)
    return any(one["granted"] for one in said if (one["channel"], one["address"]) == (channel, address))


@use_case
async def take_in(session: AsyncSession, *, tenant: UUID, client_id: UUID, intake: Intake, now: datetime) -> None:
    """Keeps how somebody who booked for the first time can be reached, with a yes to the channels that they chose.

    The same form twice changes nothing.
    """
    annotate(client_id=client_id)
    contact = Contact(client_id=client_id, email=intake.email, phone=intake.phone, zone=intake.zone)
    if await repository.people.contact(session, client_id, lock=True) == contact:
        return
    await repository.people.save_contact(session, tenant, contact)
    chosen: dict[Channel, bool] = {"email": intake.wants_email, "sms": intake.wants_texts}
    for channel, wanted in chosen.items():
        address = contact.address(channel)
        if wanted and address is not None:
            await add_consent(
                session,
                tenant,
                client_id,
                channel,
                address,
                True,
                intake.wording_version,
                "booking page",
                "client",
                now,
            )


async def add_consent(
    session: AsyncSession,
    tenant: UUID,
    client_id: UUID,
    channel: Channel,
    address: str,
    granted: bool,
    wording_version: str,
    source: str,
    actor: str,
    now: datetime,
) -> None:
    earlier = len(await repository.people.consents_of(session, client_id))
    await repository.people.add_consent(
        session,
        tenant,
        client_id=client_id,
        channel=channel,
        address=address,
        granted=granted,
        wording_version=wording_version,
        source=source,
        actor=actor,
        at=now,
    )
    event = ConsentChanged(
        sequence=earlier + 1,
        client_id=client_id,
        channel=channel,
        granted=granted,
        wording_version=wording_version,
        source=source,
        at=now,
    )
    await repository.record(session, tenant, [event], now)


@use_case
async def pause(session: AsyncSession, *, tenant: UUID, client_id: UUID, now: datetime) -> Pause:
    """A person takes over: nothing automated goes to this client until somebody lifts it."""
    annotate(client_id=client_id)
    if await _locked_pause(session, client_id) is None:
        await repository.people.pause(session, tenant, client_id, "practice", now)
        await _note(session, tenant, client_id, "paused", "practice", now)
    found = await repository.people.last_pause(session, client_id)
    assert found is not None  # noqa: S101 -- just written
    return found


@use_case
async def resume(session: AsyncSession, *, tenant: UUID, client_id: UUID, by: str, now: datetime) -> Pause:
    """A person says that messages may go again; nothing else ever lifts a pause. Raises Problem `not_paused`."""
    annotate(client_id=client_id)
    standing = await _locked_pause(session, client_id)
    if standing is None:
        raise conflict("not_paused", "Nothing is paused for this client.")
    await repository.people.lift_pause(session, client_id, by, now)
    await _note(session, tenant, client_id, "resumed", standing.reason, now)
    return replace(standing, lifted_at=now, lifted_by=by)


async def _locked_pause(session: AsyncSession, client_id: UUID) -> Pause | None:
    await be_patient(session)
    await repository.clients.lock(session, client_id)
    # A sending transaction holds this row: after us, nothing that it decided before can still go out.
    await repository.people.contact(session, client_id, lock=True)
    found = await repository.people.last_pause(session, client_id)
    return None if found is None or found.lifted_at is not None else found


async def _note(session: AsyncSession, tenant: UUID, client_id: UUID, outcome: str, reason: str, now: datetime) -> None:
    await repository.decisions.add(
        session, tenant, client_id=client_id, purpose="automation", outcome=outcome, reason=reason, at=now
    )


@use_case
async def publish_plan(
    session: AsyncSession, *, tenant: UUID, plan: ReminderPlan, now: datetime, instead_of: int | None = None
) -> int:
    """A new version of the plan. Raises Problem `newer_version` where another one holds than `instead_of`, or
    `no_words` where a step has nothing to say.
    """
    await repository.plans.lock(session, tenant)
    if instead_of is not None:
        _require_newest(instead_of, (await repository.plans.plan(session))[0])
    said = {f"steps.{number}": (step.purpose, step.channels) for number, step in enumerate(plan.steps)}
    await _require_words(session, said)
    return await repository.plans.add_plan(session, tenant, plan, now)


@use_case
async def publish_flow(
    session: AsyncSession, *, tenant: UUID, flow: OutreachFlow, now: datetime, instead_of: int | None = None
) -> int:
    """The same of the flow with its trigger."""
    await repository.plans.lock(session, tenant)
    if instead_of is not None:
        _require_newest(instead_of, (await repository.plans.flow(session, flow.trigger))[0])
    actions: dict[str, FlowAction] = {f"steps.{number}": step for number, step in enumerate(flow.steps)}
    actions |= {f"on_barrier.{barrier}": action for barrier, action in flow.on_barrier.items()}
    await _require_words(
        session, {where: (one.message, one.channels) for where, one in actions.items() if one.message is not None}
    )
    return await repository.plans.add_flow(session, tenant, flow, now)


@use_case
async def publish_check_ins(
    session: AsyncSession, *, tenant: UUID, plan: CheckInPlan, now: datetime, instead_of: int | None = None
) -> int:
    """The same of the check-in plan; visits that take place from now on are followed by it."""
    await repository.plans.lock(session, tenant)
    if instead_of is not None:
        _require_newest(instead_of, (await repository.check_ins.plan(session))[0])
    return await repository.check_ins.add_plan(session, tenant, plan, now)


async def _require_words(session: AsyncSession, said: Mapping[str, tuple[Purpose, Sequence[Channel]]]) -> None:
    """Raises Problem `no_words` where there are none for a channel, in the language that the practice writes in."""
    sender = await repository.people.sender(session)
    language = sender.language if sender else DEFAULT_LANGUAGE
    own = await repository.templates.all_words(session)
    for where, (purpose, channels) in said.items():
        for number, channel in enumerate(channels):
            if (purpose, channel, language) not in own and default_words(purpose, channel, language) is None:
                told = f"There are no words for {purpose} by {channel}; set them first, or leave this channel out."
                raise invalid("no_words", told, field=f"{where}.channels.{number}")


def _require_newest(expected: int, newest: int) -> None:
    if newest != expected:
        told = f"Version {newest} was published meanwhile, and yours began with version {expected}."
        raise conflict("newer_version", told, newest=newest)
