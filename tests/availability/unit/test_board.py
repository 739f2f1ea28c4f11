"""What the board forgets, and what it doesn't take back, without a database: each is a way to offer what is taken."""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.availability.board import BEYOND_HORIZON, BLOCK, Block, Board, Shelf, _block
from shared.contracts.slots import Plan, Seeker, floor
from shared.db import Database
from tests.support.build import ids, schedule

TENANT, ROOM = ids(2)
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def plan(**more: object) -> Plan:
    return Plan(schedule(**more))


def remembered(*plans: Plan) -> tuple[Board, Shelf]:
    """A board that has just looked, with a block of each plan and an answer in memory."""
    board = Board(Database("postgresql://nobody@127.0.0.1:9/none", pool_size=1, name="availability"))
    board._hear(time.monotonic(), [])
    shelf = Shelf("UTC", {}, frozenset(), frozenset(), {one.schedule_id: one for one in plans})
    board._shelves[TENANT] = shelf
    for one in plans:
        shelf.blocks[one.schedule_id, False, 0] = Block([1], None)
    shelf.answers.keep("anything", 1, b"{}")
    return board, shelf


def news(provider_id: UUID | None, room_id: UUID | None = None) -> list[tuple[int, UUID, UUID | None, UUID | None]]:
    return [(uuid4().int % 10**9, TENANT, provider_id, room_id)]


def known(shelf: Shelf) -> set[UUID]:
    return {schedule_id for schedule_id, _, _ in shelf.blocks}


def test_a_change_of_a_provider_is_forgotten_for_that_provider_and_answers_for_all() -> None:
    one, other = plan(), plan()
    board, shelf = remembered(one, other)
    board._hear(time.monotonic(), news(one.provider_id))
    assert known(shelf) == {other.schedule_id}
    assert shelf.answers.get("anything", 1) is None
    assert board.answer(TENANT, "anything", 1) is None


def test_a_room_that_is_taken_is_forgotten_for_everybody_who_uses_it() -> None:
    one, sharer, apart = plan(room_ids=(ROOM,)), plan(room_ids=(uuid4(), ROOM)), plan(room_ids=(uuid4(),))
    board, shelf = remembered(one, sharer, apart)
    board._hear(time.monotonic(), news(one.provider_id, ROOM))
    assert known(shelf) == {apart.schedule_id}


def test_a_change_of_the_practice_has_the_shelf_read_again() -> None:
    one = plan()
    board, shelf = remembered(one)
    board._hear(time.monotonic(), news(None))
    assert shelf.outdated
    assert board.answer(TENANT, "anything", 1) is None


@pytest.mark.parametrize("touched", [True, False])
def test_what_was_read_before_a_change_is_not_remembered_after_it(touched: bool) -> None:
    one, other = plan(), plan()
    board, shelf = remembered(one, other)
    shelf.blocks.clear()
    read_at = board.generation
    board._hear(time.monotonic(), news((one if touched else other).provider_id))
    board.keep(TENANT, shelf, {one.schedule_id: Block([1], None)}, False, 0, read_at)
    board.keep_answer(TENANT, shelf, "anything", 2, b"{}", read_at)
    assert known(shelf) == (set() if touched else {one.schedule_id})
    assert shelf.answers.get("anything", 2) is None


def test_who_has_not_looked_for_long_answers_nothing_from_memory() -> None:
    board, _ = remembered(plan())
    assert board.answer(TENANT, "anything", 1) == b"{}"
    board._looked_at -= 0.3
    assert not board.trusted
    assert board.answer(TENANT, "anything", 1) is None


@pytest.mark.parametrize("expires_in", [None, 60, 2 * BEYOND_HORIZON])
def test_a_block_is_good_until_the_horizon_moves_or_a_hold_ends(expires_in: int | None) -> None:
    begin = floor(NOW) // BLOCK * BLOCK
    expiry = None if expires_in is None else floor(NOW) + expires_in
    within = _block(plan(horizon=timedelta(days=60)), [], begin, begin + BLOCK, NOW, Seeker(), expiry)
    assert within.good_until == expiry
    at_the_edge = _block(plan(horizon=timedelta(days=1)), [], begin, begin + BLOCK, NOW, Seeker(), expiry)
    assert at_the_edge.good_until == min(floor(NOW) + BEYOND_HORIZON, expiry or floor(NOW) + BEYOND_HORIZON)
