"""Free starts kept in memory, so that a search needs no database: forgotten as soon as anything changes.

Every change writes a row into `changes` in its own transaction; `follow` looks at them and forgets what
they name. While the last look is older than `TRUSTED_SECONDS` nothing is answered from memory.
"""

import asyncio
import logging
import threading
import time
from array import array
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.availability import repository, tables
from services.availability.domain.taken import Occupied
from services.availability.repository.changes import Change, Feed
from shared.contracts.slots import DAY, Plan, Seeker, Taken, floor, open_starts
from shared.db import CONNECTION_FAILURES, Database

log = logging.getLogger(__name__)

POLL_SECONDS = 0.04
TRUSTED_SECONDS = 0.2
REMEMBERED_SECONDS = 300.0
"""Whoever hasn't looked for so long begins anew; changes are kept twice as long."""
BLOCK = 8 * DAY
BEYOND_HORIZON = 3600
MOST_BLOCKS = 100_000
MOST_WRITTEN = 50_000
MOST_HEARD = 100_000
MOST_ANSWERED_BYTES = 1_000_000


class Block:
    """The free starts of one schedule in eight days, whatever the notice."""

    __slots__ = ("good_until", "starts")

    def __init__(self, starts: Iterable[int], good_until: int | None) -> None:
        self.starts = array("q", starts)
        self.good_until = good_until


class Written:
    """Slots as they stand in an answer, by schedule and start; all with one expiry, since that is signed."""

    def __init__(self) -> None:
        self._expires = 0
        self._count = 0
        self._slots: dict[UUID, dict[int, bytes]] = {}

    def of(self, schedule_id: UUID, expires: int) -> dict[int, bytes]:
        """The slots of a schedule that were written with this expiry; to be filled."""
        if expires != self._expires or self._count > MOST_WRITTEN:
            self._expires, self._count, self._slots = expires, 0, {}
        return self._slots.setdefault(schedule_id, {})

    def add(self, count: int) -> None:
        self._count += count


class Answers:
    """Whole answers of one second, by the question as it was asked: in the next second they may be others."""

    def __init__(self) -> None:
        self._second = 0
        self._bytes = 0
        self._by_question: dict[str, bytes] = {}

    def get(self, question: str, second: int) -> bytes | None:
        return self._by_question.get(question) if second == self._second else None

    def keep(self, question: str, second: int, answer: bytes) -> None:
        if second != self._second or self._bytes > MOST_ANSWERED_BYTES:
            self._second, self._bytes, self._by_question = second, 0, {}
        self._by_question[question] = answer
        self._bytes += len(answer) + len(question)


class Shelf:
    """What a search needs to know of one practice."""

    def __init__(
        self,
        zone: str | None,
        intakes: Mapping[UUID, bool],
        providers: frozenset[UUID],
        locations: frozenset[UUID],
        plans: Mapping[UUID, Plan],
    ) -> None:
        self.zone = zone
        self.intakes = intakes
        self.providers = providers
        self.locations = locations
        self.plans = plans
        self.by_type: dict[UUID, list[Plan]] = defaultdict(list)
        for plan in plans.values():
            self.by_type[plan.state.appointment_type_id].append(plan)
        self.outdated = False
        self.blocks: dict[tuple[UUID, bool, int], Block] = {}
        self.written = Written()
        self.answers = Answers()
        self.users_of_room: dict[UUID, set[UUID]] = defaultdict(set)
        for plan in plans.values():
            for room in plan.rooms:
                self.users_of_room[room].add(plan.provider_id)

    def forget(self, provider_id: UUID) -> None:
        """Drops the answers, and the blocks of a provider's schedules."""
        self.answers = Answers()
        gone = {id for id, plan in self.plans.items() if plan.provider_id == provider_id}
        for key in [key for key in self.blocks if key[0] in gone]:
            del self.blocks[key]


class Look:
    """One request's view of a shelf; opens a transaction only when something is missing."""

    def __init__(self, board: "Board", tenant: UUID, shelf: Shelf, kept: bool) -> None:
        self.shelf = shelf
        self._board = board
        self._tenant = tenant
        self._kept = kept

    async def blocks(
        self,
        plans: Sequence[Plan],
        number: int,
        now: datetime,
        is_new: bool,
        ignored: Occupied | None,
    ) -> list[Block]:
        """The block of each plan, for anybody; from memory but for what an ignored visit takes."""
        if ignored is None:
            return await self._remembered(plans, number, now, is_new)
        touched = [plan for plan in plans if _takes_from(ignored, plan)]
        anew = await self._computed(touched, number, now, is_new, ignored.id) if touched else []
        rest = [plan for plan in plans if plan not in touched]
        known = await self._remembered(rest, number, now, is_new)
        found = {plan.schedule_id: block for plan, block in zip([*touched, *rest], [*anew, *known], strict=True)}
        return [found[plan.schedule_id] for plan in plans]

    async def _remembered(self, plans: Sequence[Plan], number: int, now: datetime, is_new: bool) -> list[Block]:
        blocks, at = self.shelf.blocks, floor(now)
        found = [blocks.get((plan.schedule_id, is_new, number)) for plan in plans]
        missing = [
            plan
            for plan, block in zip(plans, found, strict=True)
            if block is None or (block.good_until is not None and block.good_until <= at)
        ]
        if not missing:
            return [block for block in found if block is not None]
        generation = self._board.generation
        computed = await self._computed(missing, number, now, is_new, None)
        fresh = {plan.schedule_id: block for plan, block in zip(missing, computed, strict=True)}
        if self._kept:
            self._board.keep(self._tenant, self.shelf, fresh, is_new, number, generation)
        return [fresh.get(plan.schedule_id) or block for plan, block in zip(plans, found, strict=True)]  # type: ignore[misc] # a block is None only where one was computed

    async def _computed(
        self, plans: Sequence[Plan], number: int, now: datetime, is_new: bool, but: UUID | None
    ) -> list[Block]:
        begin, end = number * BLOCK, (number + 1) * BLOCK
        async with self._board.database.transaction(self._tenant) as session:
            near = await repository.taken.near(session, plans, begin, end, now, but=but)
        by_provider: dict[UUID, list[Taken]] = defaultdict(list)
        by_room: dict[UUID, list[Taken]] = defaultdict(list)
        expiries: dict[UUID, int] = {}
        for taken, expiry in near:
            by_provider[taken.provider_id].append(taken)
            if taken.room_id is not None:
                by_room[taken.room_id].append(taken)
            if expiry is not None:
                expiries[taken.id] = expiry
        found: list[Block] = []
        for plan in plans:
            if len(found) % 20 == 19:
                await asyncio.sleep(0)  # hundreds of providers: others are answered, and changes heard, in between
            around = {item.id: item for item in by_provider[plan.provider_id]}
            around |= {item.id: item for room in plan.rooms for item in by_room[room]}
            # Only what hides times of this plan ends its block: the hold of another provider is nothing to it.
            soonest_expiry = min((expiries[id] for id in around.keys() & expiries.keys()), default=None)
            found.append(_block(plan, around.values(), begin, end, now, Seeker(is_new=is_new), soonest_expiry))
        return found


def _block(
    plan: Plan,
    taken: Iterable[Taken],
    begin: int,
    end: int,
    now: datetime,
    seeker: Seeker,
    soonest_expiry: int | None,
) -> Block:
    """Computed from now to a little beyond the horizon, and good until that has moved there."""
    begin = max(begin, floor(now))
    horizon = floor(now + plan.horizon) + BEYOND_HORIZON
    if horizon >= end:
        return Block(open_starts(plan, taken, begin, end, seeker), soonest_expiry)
    good_until = floor(now) + BEYOND_HORIZON
    if soonest_expiry is not None:
        good_until = min(good_until, soonest_expiry)
    return Block(open_starts(plan, taken, begin, horizon, seeker), good_until)


def _takes_from(visit: Occupied, plan: Plan) -> bool:
    return plan.provider_id == visit.provider_id or visit.room_id in plan.rooms


class Board:
    """The shelves of all practices that were searched lately."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.generation = 0
        self._feed = Feed(database.url)
        self._shelves: dict[UUID, Shelf] = {}
        self._touched: dict[tuple[UUID, UUID], int] = {}
        self._looked_at = float("-inf")
        self._heard: set[int] = set()

    @property
    def trusted(self) -> bool:
        """True while changes are heard of soon enough."""
        return time.monotonic() - self._looked_at < TRUSTED_SECONDS

    async def open(self, tenant: UUID) -> Look:
        """The shelf of a practice, from memory or read anew."""
        if tenant in self._shelves and not self.trusted:
            # A process that stood still for a moment asks what it missed, rather than compute all of it anew.
            await self.look()
        shelf = self._shelves.get(tenant)
        if shelf is not None and not shelf.outdated and self.trusted:
            return Look(self, tenant, shelf, True)
        generation = self.generation
        async with self.database.transaction(tenant) as session:
            shelf = await _load(session, shelf, trusted=self.trusted)
        # What changed after it was read is heard of later, and forgotten then.
        kept = generation == self.generation
        if kept:
            self._shelves[tenant] = shelf
        return Look(self, tenant, shelf, kept)

    def answer(self, tenant: UUID, question: str, second: int) -> bytes | None:
        """What was answered to the same question in this second, if nothing has been heard of since."""
        shelf = self._shelves.get(tenant)
        if shelf is None or shelf.outdated or not self.trusted:
            return None
        return shelf.answers.get(question, second)

    def keep_answer(
        self, tenant: UUID, shelf: Shelf, question: str, second: int, answer: bytes, generation: int
    ) -> None:
        """Keeps an answer, unless something has been heard of since its making began."""
        if self._shelves.get(tenant) is shelf and generation == self.generation:
            shelf.answers.keep(question, second, answer)

    def keep(
        self,
        tenant: UUID,
        shelf: Shelf,
        fresh: Mapping[UUID, Block],
        is_new: bool,
        number: int,
        generation: int,
    ) -> None:
        """Puts computed blocks on the shelf, unless something of them has changed since they were read."""
        if self._shelves.get(tenant) is not shelf:
            return
        if len(shelf.blocks) > MOST_BLOCKS:
            shelf.blocks.clear()
        for schedule_id, block in fresh.items():
            provider_id = shelf.plans[schedule_id].provider_id
            if self._touched.get((tenant, provider_id), 0) <= generation:
                shelf.blocks[schedule_id, is_new, number] = block

    async def look(self) -> None:
        """A look between two others, for who has just changed something and will look for it."""
        began = time.monotonic()
        try:
            self._hear(began, await self._feed.look())
        except CONNECTION_FAILURES as error:
            log.warning("the board waits for the database: %s", type(error).__name__)

    def follow(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        """Looks again and again, in a thread of its own: a process that is busy answering still hears in time."""
        asyncio.run(self._follow(loop, stop))

    async def _follow(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        feed = Feed(self.database.url)
        looked = swept = time.monotonic()
        while not stop.is_set():
            began = time.monotonic()
            if began - looked > REMEMBERED_SECONDS:
                feed.forget()
            try:
                news = await feed.look()
                looked = began
                loop.call_soon_threadsafe(self._hear, began, news)
                if began - swept > REMEMBERED_SECONDS:
                    swept = began
                    await feed.sweep()
            except CONNECTION_FAILURES as error:
                log.warning("the board waits for the database: %s", type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)
        feed.close()

    def _hear(self, began: float, news: Sequence[Change] | None) -> None:
        """Forgets what changed before a look that began then."""
        if news is None or began - self._looked_at > REMEMBERED_SECONDS:
            self._shelves.clear()
            self.generation += 1
        fresh = [change for change in news or () if change[0] not in self._heard]
        if fresh:
            self.generation += 1
            if len(self._heard) > MOST_HEARD:
                self._heard.clear()
            self._heard.update(change[0] for change in fresh)
        for _, tenant, provider_id, room_id in fresh:
            self._forget(tenant, provider_id, room_id)
        self._looked_at = max(began, self._looked_at)

    def close(self) -> None:
        self._feed.close()

    def _forget(self, tenant: UUID, provider_id: UUID | None, room_id: UUID | None) -> None:
        shelf = self._shelves.get(tenant)
        if shelf is None:
            return
        if provider_id is None:
            shelf.outdated = True
            return
        for touched in {provider_id} | shelf.users_of_room.get(room_id, set()) if room_id else {provider_id}:
            self._touched[tenant, touched] = self.generation
            shelf.forget(touched)


@asynccontextmanager
async def followed(board: Board) -> AsyncIterator[Board]:
    """The board while a thread follows the changes."""
    stop = threading.Event()
    thread = threading.Thread(target=board.follow, args=(asyncio.get_running_loop(), stop), name="changes", daemon=True)
    thread.start()
    await board.look()
    try:
        yield board
    finally:
        stop.set()
        # Not awaited for long: a look that hangs ends with its connection.
        await asyncio.to_thread(thread.join, 2)
        board.close()


async def _load(session: AsyncSession, known: Shelf | None, *, trusted: bool) -> Shelf:
    """Reads a shelf; what is published in the same sequence as before isn't parsed again, or computed again."""
    versions = await repository.schedules.versions(session)
    old = known.plans if known is not None else {}
    plans = {id: plan for id, plan in old.items() if versions.get(id) == plan.state.sequence}
    for state in await repository.schedules.published(session, versions.keys() - plans.keys()):
        plans[state.schedule_id] = Plan(state)
    practice = await repository.practice.practice(session)
    shelf = Shelf(
        zone=practice.zone if practice else None,
        intakes=await repository.practice.intakes(session),
        providers=await repository.practice.ids_of(session, tables.providers),
        locations=await repository.practice.ids_of(session, tables.locations),
        plans=plans,
    )
    if known is not None and plans.keys() == old.keys() and all(plans[id] is old[id] for id in old):
        shelf.written = known.written
    if known is not None and trusted:
        shelf.blocks = {key: block for key, block in known.blocks.items() if plans.get(key[0]) is known.plans[key[0]]}
    return shelf
