"""Routes: free slots, days of a calendar view, why a time is not offered."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.availability.api.common import AT_THE_PRACTICE, own
from services.availability.board import Shelf
from services.availability.domain.search import Offer, TimeOfDay, Wish
from services.availability.schemas import slots as schemas
from services.availability.use_cases import search
from services.availability.use_cases.search import Position, Seeking
from shared import paging
from shared import query as query_string
from shared.auth import Principal, Role
from shared.bodies import Moment
from shared.contracts.availability import Modality, ZoneName
from shared.contracts.slots import Plan, floor, moment
from shared.errors import forbidden, invalid
from shared.web import Caller, caller_of, problems

router = APIRouter(prefix="/v1/slots", responses=problems(401, 403, 422, 503))

Ids = list[UUID]
Client = Annotated[UUID | None, Query(description="Leaves out what collides with this client's own visits")]
NewClient = Annotated[bool, Query(description="Also what is kept for new clients, where no client is named")]
Ignore = Annotated[UUID | None, Query(description="An appointment to be moved: its own time counts as free")]


class SlotQuery(BaseModel):
    """What is sought. One model, since a search with a parameter each spends most of its time on them."""

    appointment_type: UUID
    begin: Moment = Field(alias="from", description="Slots that start at or after this time")
    end: Moment = Field(alias="to", description="… and before this one, at most 31 days later")
    provider: Ids = Field([], max_length=500, description="Repeat it for several; left out for all")
    location: Ids = Field([], max_length=500, description="Repeat it for several; left out for all")
    modality: Modality | None = None
    weekday: list[Annotated[int, Field(ge=0, le=6)]] = Field(
        [], max_length=7, description="0 = Monday; repeat it for several"
    )
    time_of_day: list[TimeOfDay] = Field(
        [], max_length=3, description="By start: before 12:00, before 17:00, from then on"
    )
    zone: ZoneName | None = Field(
        None, description="Of weekdays, times of day and days, such as the client's; else the practice's"
    )
    client: UUID | None = Field(None, description="Leaves out what collides with this client's own visits")
    new_client: bool = Field(False, description="Also what is kept for new clients, where no client is named")
    ignore: UUID | None = Field(None, description="An appointment to be moved: its own time counts as free")


class SearchQuery(SlotQuery):
    """What is sought, and which part of it is asked for."""

    prefer: Ids = Field([], max_length=20, description="Providers in the client's order; theirs come first")
    first_available: bool = Field(False, description="The first slot of each provider only")
    limit: int = Field(50, ge=1, le=2000, description="Slots on a page")
    cursor: str | None = Field(None, max_length=500, description="`next` of the page before")


def _seeking(request: Request, caller: Principal, query: SlotQuery) -> Seeking:
    caller.require("slots:read")
    now = own(request).clock()
    return Seeking(
        tenant=caller.tenant,
        wish=Wish(
            appointment_type_id=query.appointment_type,
            provider_ids=tuple(query.provider),
            location_ids=tuple(query.location),
            modality=query.modality,
            weekdays=frozenset(query.weekday),
            times_of_day=frozenset(query.time_of_day),
        ),
        begin=query.begin,
        end=query.end,
        zone=query.zone,
        client_id=_for_whom(caller, query.client),
        new_client=query.new_client,
        ignore=query.ignore,
        now=now,
        as_of=now,
    )


def _for_whom(caller: Principal, client: UUID | None) -> UUID | None:
    """A client's token searches for that client. Raises Problem `not_yours`."""
    if caller.role is not Role.CLIENT:
        return client
    if client not in (None, caller.client_id):
        raise forbidden("not_yours", "A client's token searches for that client only.")
    return caller.client_id


@router.get(
    "", operation_id="search_slots", response_model=schemas.SlotPage, openapi_extra=query_string.documented(SearchQuery)
)
async def search_slots(request: Request) -> Response:
    """Free slots, the soonest first. What is offered here can be booked within the hour, unless somebody is faster.

    With `prefer`, those of preferred providers come first; for an intake, those within two days before all others,
    since an intake soon is kept most often.
    """
    caller = await caller_of(request)
    caller.require("slots:read")
    board, question = own(request).board, request.scope["query_string"].decode("latin-1")
    second = floor(own(request).clock())
    known = board.answer(caller.tenant, question, second) if caller.role is not Role.CLIENT else None
    if known is not None:
        return Response(known, media_type="application/json")
    query = query_string.read(request, SearchQuery)
    seeking = _seeking(request, caller, query)
    after, as_of = _decode(query.cursor, seeking.now)
    seeking = replace(seeking, wish=replace(seeking.wish, prefer=tuple(query.prefer)), as_of=as_of)
    most, generation = query.limit, board.generation
    shelf, found = await search.find(
        board, seeking=seeking, first_available=query.first_available, after=after, most=most + 1
    )
    following = _encode(found[most - 1].position, as_of) if len(found) > most else None
    answer = _page(request, seeking, shelf, found[:most], following)
    if seeking.client_id is None and seeking.ignore is None:
        board.keep_answer(caller.tenant, shelf, question, second, answer, generation)
    return Response(answer, media_type="application/json")


@router.get("/days", operation_id="count_slots")
async def count_slots(request: Request, caller: Caller, query: Annotated[SlotQuery, Query()]) -> schemas.DayList:
    """How many free slots each local day has, for a calendar view."""
    seeking, board = _seeking(request, caller, query), own(request).board
    days = await search.count_days(board, seeking=seeking)
    zone = seeking.zone or (await board.open(seeking.tenant)).shelf.zone or "UTC"
    return schemas.DayList(zone=zone, items=[schemas.DayCount(date=day, slots=count) for day, count in days.items()])


@router.get("/explain", operation_id="explain_slot", response_model_by_alias=True)
async def explain_slot(
    request: Request,
    caller: Caller,
    provider: UUID,
    start: Annotated[Moment, Query(description="The time in question")],
    appointment_type: UUID | None = None,
    location: UUID | None = None,
    client: Client = None,
    new_client: NewClient = False,
    ignore: Ignore = None,
) -> schemas.Explanation:
    """Which rules hide a time of a provider, for each of their schedules; none where it is offered."""
    caller.require("slots:read", *AT_THE_PRACTICE)
    if start.microsecond:
        raise invalid("start_uneven", "Slots start at whole seconds.", field="start")
    resources = own(request)
    look = await resources.board.open(caller.tenant)
    if provider not in look.shelf.providers:
        raise search.unknown("provider")
    if appointment_type is not None and appointment_type not in look.shelf.intakes:
        raise search.unknown("appointment_type")
    if location is not None and location not in look.shelf.locations:
        raise search.unknown("location")
    plans = [
        plan
        for plan in look.shelf.plans.values()
        if plan.provider_id == provider
        and appointment_type in (None, plan.state.appointment_type_id)
        and location in (None, plan.state.location_id)
    ]
    if not plans:
        return schemas.Explanation(provider_id=provider, start=start, items=[])
    async with resources.database.transaction(caller.tenant) as session:
        found = await search.explain(
            session,
            plans=plans,
            start=start,
            client_id=client,
            new_client=new_client,
            ignore=ignore,
            now=resources.clock(),
        )
    items = [schemas.ExplainedBody.of(plan, floor(start), obstacles) for plan, obstacles in found]
    return schemas.Explanation(provider_id=provider, start=start, items=items)


def _page(request: Request, seeking: Seeking, shelf: Shelf, found: list[Offer], following: str | None) -> bytes:
    """The answer's JSON; a slot is written once and kept, since a month of them is hundreds."""
    expires, key = schemas.expiry(seeking.now), own(request).settings.slot_signing_key
    items: list[bytes] = []
    last: Plan | None = None
    known: dict[int, bytes] = {}
    for plan, start, _ in found:
        if plan is not last:
            last, known = plan, shelf.written.of(plan.schedule_id, expires)
        slot = known.get(start)
        if slot is None:
            slot = known[start] = schemas.write(plan, start, expires, key, seeking.tenant)
            shelf.written.add(1)
        items.append(slot)
    tail = "null" if following is None else f'"{following}"'
    return b'{"items":[' + b",".join(items) + b'],"next":' + tail.encode() + b"}"


def _encode(position: Position, as_of: datetime) -> str:
    group, start, schedule_id = position
    return paging.pack([group, start, str(schedule_id), floor(as_of)])


def _decode(cursor: str | None, now: datetime) -> tuple[Position | None, datetime]:
    """Raises Problem `cursor_invalid`."""
    if cursor is None:
        return None, now
    group, start, schedule_id, as_of = paging.unpack(cursor, int, int, UUID, lambda value: moment(int(value)))
    return (group, start, schedule_id), as_of
