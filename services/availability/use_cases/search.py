"""Free slots: found, counted and explained."""

from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from heapq import merge
from itertools import islice
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import repository
from services.availability.board import BLOCK, Board, Look, Shelf
from services.availability.domain import search
from services.availability.domain.search import Group, Offer, Wish
from services.availability.domain.taken import Occupied
from shared.contracts.slots import Obstacle, Plan, Seeker, Span, ceil, floor, hidden, within_notice
from shared.errors import Problem, forbidden, invalid, not_found
from shared.telemetry import use_case

Position = tuple[int, int, UUID]
"""Of an offer among all of a search: group, start, schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeking:
    """A search as a caller states it. `as_of` is when its first page was asked for."""

    tenant: UUID
    wish: Wish
    begin: datetime
    end: datetime
    zone: str | None = None
    client_id: UUID | None = None
    new_client: bool = False
    ignore: UUID | None = None
    now: datetime
    as_of: datetime


@use_case
async def find(
    board: Board, *, seeking: Seeking, first_available: bool, after: Position | None, most: int
) -> tuple[Shelf, list[Offer]]:
    """The first free slots after a position, in the order of answers; with `first_available` one per provider.

    Raises Problem `range_inverted`, `range_too_long`, or `…_unknown` for what this practice doesn't have.
    """
    look, view = await _view(board, seeking)
    if view is None:
        return look.shelf, []
    urgent = look.shelf.intakes[seeking.wish.appointment_type_id]
    until = floor(seeking.as_of) + search.KEPT_BEST_WITHIN if urgent and seeking.wish.prefer else None
    groups = search.groups(seeking.wish, view.plans, view.spans, until)
    collect = _firsts if first_available else _soonest
    return look.shelf, await collect(look, view, groups, after, most)


@use_case
async def count_days(board: Board, *, seeking: Seeking) -> dict[date, int]:
    """How many free slots each local day of the range has."""
    look, view = await _view(board, seeking)
    zone = seeking.zone or look.shelf.zone or "UTC"
    begin, end = ceil(seeking.begin), ceil(seeking.end)
    total = Counter(search.count_by_day([], zone, begin, end))
    if view is not None:
        async for number, starts in _blocks(look, view, view.plans, view.spans):
            low, high = max(begin, number * BLOCK), min(end, (number + 1) * BLOCK)
            for found in starts:
                total.update(search.count_by_day(list(search.in_spans(found, view.spans)), zone, low, high))
    return dict(total)


@use_case
async def explain(
    session: AsyncSession,
    *,
    plans: Sequence[Plan],
    start: datetime,
    client_id: UUID | None,
    new_client: bool,
    ignore: UUID | None,
    now: datetime,
) -> list[tuple[Plan, list[Obstacle]]]:
    """For each schedule, every rule that hides a start; none where it is offered."""
    at = floor(start)
    await _ignored(session, ignore)
    seeker = await _seeker(session, plans, client_id, new_client, ignore)
    near = await repository.taken.near(session, plans, at, at + 1, now, client_id=client_id, but=ignore)
    taken = [item for item, _ in near]
    return [(plan, hidden(plan, taken, at, now, seeker)) for plan in plans]


@dataclass(frozen=True, slots=True)
class _View:
    plans: Sequence[Plan]
    spans: Sequence[Span]
    is_new: bool
    own: Sequence[Span]
    ignored: Occupied | None
    now: datetime


async def _view(board: Board, seeking: Seeking) -> tuple[Look, _View | None]:
    """What a search goes through; None where nothing can be found."""
    wish, now = seeking.wish, seeking.now
    interval = search.search_range(seeking.begin, seeking.end, now)
    look = await board.open(seeking.tenant)
    shelf = look.shelf
    if wish.appointment_type_id not in shelf.intakes:
        raise unknown("appointment_type")
    if not shelf.providers.issuperset(wish.provider_ids):
        raise unknown("provider")
    if not shelf.providers.issuperset(wish.prefer):
        raise unknown("provider", "prefer")
    if not shelf.locations.issuperset(wish.location_ids):
        raise unknown("location")
    plans = [plan for plan in shelf.by_type.get(wish.appointment_type_id, ()) if wish.fits(plan)]
    if interval is None or not plans:
        return look, None
    zone = seeking.zone or shelf.zone
    if zone is None and (wish.weekdays or wish.times_of_day):
        told = "Say by whose clock weekdays and times of day are meant: the practice has not set its zone."
        raise invalid("zone_needed", told, field="zone")
    spans = search.spans_of(wish, zone or "UTC", *interval)
    if seeking.client_id is None and seeking.ignore is None:
        return look, _View(plans, spans, seeking.new_client, (), None, now)
    async with board.database.transaction(seeking.tenant) as session:
        return look, await _personal(session, seeking, plans, spans)


async def _personal(session: AsyncSession, seeking: Seeking, plans: Sequence[Plan], spans: Sequence[Span]) -> _View:
    """A search for a client, or as if a visit weren't there: what is kept for anybody, less the client's own time."""
    seeker = await _seeker(session, plans, seeking.client_id, seeking.new_client, seeking.ignore)
    own: Sequence[Span] = ()
    if seeking.client_id is not None and spans:
        # A visit that begins at the end of the range runs on beyond it.
        until = spans[-1][1] + max(plan.duration for plan in plans)
        own = await repository.taken.of_client(
            session, seeking.client_id, spans[0][0], until, seeking.now, seeking.ignore
        )
    ignored = await _ignored(session, seeking.ignore)
    if ignored is not None and seeking.client_id not in (None, ignored.client_id):
        raise forbidden(
            "not_yours", "Only a visit of the client for whom the search is can be ignored.", field="ignore"
        )
    return _View(plans, spans, seeker.is_new, own, ignored, seeking.now)


async def _ignored(session: AsyncSession, id: UUID | None) -> Occupied | None:
    """Raises Problem `appointment_not_found`: passed over, it would answer as if nothing had been asked."""
    known = await repository.taken.known(session, id) if id is not None else None
    if id is not None and known is None:
        told = "There is no such visit here; one that was booked just now is known in a moment."
        raise not_found("appointment", told, field="ignore")
    return known


async def _seeker(
    session: AsyncSession, plans: Sequence[Plan], client_id: UUID | None, new_client: bool, but: UUID | None
) -> Seeker:
    """Whether a known client is new is what their visits say, as booking will see it; not what a caller says."""
    if client_id is None:
        return Seeker(is_new=new_client)
    favoured = any(plan.favours_new_clients for plan in plans)
    return Seeker(client_id, favoured and await repository.taken.is_new(session, client_id, but))


async def _blocks(
    look: Look, view: _View, plans: Sequence[Plan], spans: Sequence[Span]
) -> AsyncIterator[tuple[int, list[Sequence[int]]]]:
    """Block after block of the spans: its number, and each plan's free starts in it that can be booked now."""
    if not spans:
        return
    for number in range(spans[0][0] // BLOCK, (spans[-1][1] - 1) // BLOCK + 1):
        low, high = number * BLOCK, (number + 1) * BLOCK
        if not any(begin < high and end > low for begin, end in spans):
            continue
        blocks = await look.blocks(plans, number, view.now, view.is_new, view.ignored)
        found: list[Sequence[int]] = []
        for plan, block in zip(plans, blocks, strict=True):
            first, until = within_notice(plan, low, high, view.now)
            starts = block.starts
            if first > low or until < high:
                starts = starts[bisect_left(starts, first) : bisect_left(starts, max(until, first))]
            found.append(starts if not view.own else search.outside(starts, view.own, plan.duration))
        yield number, found


async def _soonest(look: Look, view: _View, groups: Sequence[Group], after: Position | None, most: int) -> list[Offer]:
    found: list[Offer] = []
    for place, group in enumerate(groups):
        if after is not None and place < after[0]:
            continue
        behind = after[1:] if after is not None and place == after[0] else None
        spans = group.spans if behind is None else [(max(low, behind[0]), high) for low, high in group.spans]
        spans = [(low, high) for low, high in spans if low < high]
        async for _, starts in _blocks(look, view, group.plans, spans):
            found += islice(_merged(group.plans, starts, spans, place, behind), most - len(found))
            if len(found) == most:
                return found
    return found


def _merged(
    plans: Sequence[Plan],
    starts: Sequence[Sequence[int]],
    spans: Sequence[Span],
    place: int,
    behind: tuple[int, UUID] | None,
) -> Iterator[Offer]:
    def of(plan: Plan, found: Sequence[int]) -> Iterator[tuple[int, UUID, Plan]]:
        return ((at, plan.schedule_id, plan) for at in search.in_spans(found, spans))

    open_plans = [(plan, found) for plan, found in zip(plans, starts, strict=True) if found]
    if len(open_plans) == 1 and behind is None:
        [(plan, found)] = open_plans
        return (Offer(plan, at, place) for at in search.in_spans(found, spans))
    ways = [of(plan, found) for plan, found in open_plans]
    return _offers(ways[0] if len(ways) == 1 else merge(*ways, key=lambda item: item[:2]), place, behind)


def _offers(in_order: Iterable[tuple[int, UUID, Plan]], place: int, behind: tuple[int, UUID] | None) -> Iterator[Offer]:
    for at, schedule_id, plan in in_order:
        if behind is None or (at, schedule_id) > behind:
            yield Offer(plan, at, place)


async def _firsts(look: Look, view: _View, groups: Sequence[Group], after: Position | None, most: int) -> list[Offer]:
    """The best offer of each provider, in the order of answers."""
    best: dict[UUID, Offer] = {}
    for place, group in enumerate(groups):
        open_plans = [plan for plan in group.plans if plan.provider_id not in best]
        spans = list(group.spans)
        while open_plans and spans:
            # A block at a time, and only for those who had nothing in the one before.
            edge = (spans[0][0] // BLOCK + 1) * BLOCK
            head = [(low, min(high, edge)) for low, high in spans if low < edge]
            spans = [(max(low, edge), high) for low, high in spans if high > edge]
            async for _, starts in _blocks(look, view, open_plans, head):
                for plan, found in zip(open_plans, starts, strict=True):
                    first = next(search.in_spans(found, head), None)
                    if first is not None:
                        offer, known = Offer(plan, first, place), best.get(plan.provider_id)
                        if known is None or offer.position < known.position:
                            best[plan.provider_id] = offer
            open_plans = [plan for plan in open_plans if plan.provider_id not in best]
    in_order = sorted(best.values(), key=lambda offer: offer.position)
    return [offer for offer in in_order if after is None or offer.position > after][:most]


def unknown(what: str, field: str | None = None) -> Problem:
    told = f"There is no such {what.replace('_', ' ')} in this practice."
    return invalid(f"{what}_unknown", told, field=field or what)
