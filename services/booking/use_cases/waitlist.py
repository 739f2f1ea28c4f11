"""The waitlist: joining and leaving it, and the rounds in which freed time is offered."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.booking import repository
from services.booking.domain import clients, waitlist
from services.booking.domain.waitlist import LOOK_AGAIN, Chance, Entry, Offer, Opening, Round, Rules
from services.booking.repository.taken import NOTHING, But
from services.booking.use_cases.claiming import seeker_of
from shared.contracts.availability import AvailabilityOpened
from shared.contracts.slots import Plan, Seeker, Span, Taken, ceil, floor, free, hidden
from shared.contracts.waitlist import Fate
from shared.errors import invalid, require_version
from shared.telemetry import annotate, current_traceparent, use_case


@use_case
async def join(session: AsyncSession, *, tenant: UUID, entry: Entry, now: datetime) -> Entry:
    """Raises Problem `nothing_to_wait_for`, `client_not_found`, `client_discharged`, or one of `waitlist.join`."""
    clients.check_in_care(await repository.clients.get(session, entry.client_id, lock=True))
    plans = await repository.schedules.of_type(session, entry.appointment_type_id)
    if not any(entry.wants(plan) for plan in plans):
        raise invalid(
            "nothing_to_wait_for",
            "No schedule of the practice has visits of this type, with these providers, at these locations.",
            field="appointment_type_id",
        )
    swapped = await repository.appointments.get(session, entry.swaps) if entry.swaps else None
    event = waitlist.join(entry, await repository.waitlist.places_of(session, entry.client_id), swapped, now)
    await repository.waitlist.add_entry(session, tenant, entry)
    await repository.record(session, tenant, event, now)
    annotate(entry_id=entry.id, client_id=entry.client_id)
    return entry


@use_case
async def leave(session: AsyncSession, *, tenant: UUID, entry_id: UUID, now: datetime) -> Entry:
    """Gives a place up, and what is on offer for it; one that is filled or left already stays so."""
    entry = await repository.waitlist.entry(session, entry_id, lock=True)
    annotate(entry_id=entry.id, client_id=entry.client_id)
    return await left(session, tenant, entry, now)


async def left(session: AsyncSession, tenant: UUID, entry: Entry, now: datetime) -> Entry:
    change = waitlist.leave(entry)
    if change is None:
        return entry
    await repository.waitlist.save_entry(session, change[0])
    await repository.record(session, tenant, change[1], now)
    offer = await repository.waitlist.open_offer_of(session, entry.id)
    if offer is not None:
        await end(session, tenant, offer, "withdrawn", now)
        await repository.waitlist.look(session, tenant, offer.opening_id, now)
    return change[0]


@use_case
async def set_rules(session: AsyncSession, *, tenant: UUID, version: int, rules: Rules) -> Rules:
    """Raises Problem `rules_invalid`, or `version_mismatch`."""
    require_version(version, (await repository.waitlist.rules(session)).version)
    rules.check()
    await repository.waitlist.save_rules(session, tenant, rules)
    return rules


@use_case
async def follow_opening(session: AsyncSession, *, tenant: UUID, news: AvailabilityOpened, now: datetime) -> bool:
    """Keeps a freed time, where anybody waits for visits of its provider's types."""
    annotate(provider_id=news.provider_id, opening_id=news.opening_id)
    plans = await repository.schedules.of_provider(session, news.provider_id)
    # Without a schedule yet, its news may be on their way.
    if plans and not await repository.waitlist.anybody_waits(session, _types(plans)):
        return False
    spans = tuple((ceil(item.begin), floor(item.end)) for item in news.opened)
    opening = Opening(id=news.opening_id, provider_id=news.provider_id, spans=spans)
    await repository.waitlist.add_opening(session, tenant, opening, now)
    return True


@use_case
async def offer_round(session: AsyncSession, *, tenant: UUID, opening_id: UUID, now: datetime) -> list[Offer]:
    """Ends what was not accepted in time, and offers what is still free to the next who wait.

    Under the provider's lock, as a booking: what is free stays so until the offers are made.
    """
    opening = await repository.waitlist.opening(session, opening_id)
    if opening is None:
        return []
    annotate(opening_id=opening.id, provider_id=opening.provider_id)
    await repository.taken.lock_provider(session, opening.provider_id)
    rules = await repository.waitlist.rules(session)
    standing = []
    for offer in await repository.waitlist.open_offers(session, opening.provider_id):
        if offer.expires_at <= now:
            # Booked by somebody else in the usual way, it was lost before its time ran out.
            await end(session, tenant, offer, await fate_of(session, offer, now), now)
        else:
            standing.append(offer)
    plans = await repository.schedules.of_provider(session, opening.provider_id)
    spans = opening.within(rules.soonest(now))
    if not spans:
        await repository.waitlist.close(session, opening.id)
        return []
    if plans and (opens := rules.next_round(plans[0].state.zone, now)) > now:
        await repository.waitlist.look(session, tenant, opening.id, opens)
        return []
    made, others = await _offer(session, tenant, opening, plans, spans, standing, rules, now)
    annotate(offers_made=len(made))
    waits = [offer.expires_at for offer in (*standing, *made) if offer.opening_id == opening.id]
    if waits or others:
        await repository.waitlist.look(session, tenant, opening.id, min([*waits, now + rules.open_for]))
    elif opening.looks < len(LOOK_AGAIN):
        await repository.waitlist.count_look(session, opening.id, opening.looks + 1)
        await repository.waitlist.look(session, tenant, opening.id, now + LOOK_AGAIN[opening.looks])
    else:
        await repository.waitlist.close(session, opening.id)
    return made


async def _offer(
    session: AsyncSession,
    tenant: UUID,
    opening: Opening,
    plans: Sequence[Plan],
    spans: Sequence[Span],
    standing: Sequence[Offer],
    rules: Rules,
    now: datetime,
) -> tuple[list[Offer], bool]:
    """The offers made, and whether anybody could not be asked because another time is on offer to them."""
    made: list[Offer] = []
    is_asked_elsewhere = False
    if not plans:
        return made, False
    low, high = spans[0][0], spans[-1][1]
    taken = await repository.taken.near(session, plans, None, low, high, now)
    anybody = _chances(plans, taken, spans, now, Seeker(is_new=True))
    this_round = Round(standing, rules.at_once)
    async for entry, is_asked in repository.waitlist.waiting(session, opening, _types(plans)):
        if not this_round.has_room(anybody):
            break
        if this_round.best(entry, anybody) is None:
            continue
        if is_asked:
            is_asked_elsewhere = True
            continue
        own = await repository.taken.near(session, plans, entry.client_id, low, high, now, _swap(entry))
        seeker = await seeker_of(session, plans, entry.client_id, entry.swaps)
        swapped = await repository.appointments.find(session, entry.swaps) if entry.swaps else None
        given_up = await repository.waitlist.given_up(session, entry.client_id, low, high)
        chances = waitlist.welcome(entry, _chances(plans, own, spans, now, seeker), swapped, given_up)
        chance = this_round.best(entry, chances)
        if chance is None:
            continue
        offer = waitlist.offer(
            id=uuid7(),
            entry=entry,
            chance=chance,
            opening=opening,
            rules=rules,
            now=now,
            traceparent=current_traceparent(),
        )
        if await repository.waitlist.add_offer(session, tenant, offer):
            this_round.add(chance)
            await repository.record(session, tenant, waitlist.offer_state(offer), now)
            made.append(offer)
    return made, is_asked_elsewhere


def _swap(entry: Entry) -> But:
    return But(visit_id=entry.swaps) if entry.swaps else NOTHING


def _types(plans: Sequence[Plan]) -> set[UUID]:
    return {plan.state.appointment_type_id for plan in plans}


def _chances(
    plans: Sequence[Plan], taken: Sequence[Taken], spans: Sequence[Span], now: datetime, seeker: Seeker
) -> list[Chance]:
    """The starts that can be booked, of visits that lie within the spans."""
    begins = [begin for begin, _ in spans]

    def lies_within(start: int, end: int) -> bool:
        at = bisect_right(begins, start) - 1
        return at >= 0 and end <= spans[at][1]

    return [
        Chance(plan, start, *plan.occupied(start))
        for plan in plans
        for start in free(plan, taken, spans[0][0], spans[-1][1], now, seeker)
        if lies_within(start, start + plan.duration)
    ]


async def is_free(session: AsyncSession, offer: Offer, now: datetime) -> bool:
    """Whether what is on offer can still be had."""
    plan = await repository.schedules.plan(session, offer.schedule_id)
    if plan is None:
        return False
    start = floor(offer.start)
    taken = await repository.taken.near(session, [plan], None, start, start + 1, now)
    return not hidden(plan, taken, start, now, Seeker(is_new=True))


async def fate_of(session: AsyncSession, offer: Offer, now: datetime) -> Fate:
    """What has become of an offer by now, whether or not that is on record yet."""
    if offer.fate != "open":
        return offer.fate
    if not await is_free(session, offer, now):
        return "lost"
    return "expired" if offer.expires_at <= now else "open"


async def end(
    session: AsyncSession, tenant: UUID, offer: Offer, fate: Fate, now: datetime, appointment_id: UUID | None = None
) -> Offer:
    """Puts on record what became of an offer."""
    ended = offer.ended(fate, now, appointment_id)
    await repository.waitlist.save_offer(session, ended)
    await repository.record(session, tenant, waitlist.offer_state(ended), now)
    return ended
