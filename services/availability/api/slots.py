"""Routes: free slots, days of a calendar view, why a time is not offered."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from services.availability.api.common import AT_THE_PRACTICE, own
from services.availability.board import Shelf
from services.availability.domain.search import Offer, TimeOfDay, Wish
from services.availability.schemas import slots as schemas
from services.availability.schemas.common import Moment
from services.availability.use_cases import search
from services.availability.use_cases.search import Position, Seeking
from shared import paging
from shared.auth import Principal, Role
from shared.contracts.availability import Modality, ZoneName
from shared.contracts.slots import floor, moment
from shared.errors import forbidden, invalid
from shared.web import Caller, problems

router = APIRouter(prefix="/v1/slots", responses=problems(401, 403, 422, 503))

Ids = Annotated[list[UUID], Query(max_length=500, description="Repeat it for several; left out for all")]
Preference = Annotated[
    list[UUID], Query(max_length=20, description="Providers in the client's order; theirs come first")
]
Weekdays = Annotated[
    list[Annotated[int, Field(ge=0, le=6)]], Query(max_length=7, description="0 = Monday; repeat it for several")
]
Times = Annotated[
    list[TimeOfDay], Query(max_length=3, description="By start: before 12:00, before 17:00, from then on")
]
From = Annotated[Moment, Query(alias="from", description="Slots that start at or after this time")]
To = Annotated[Moment, Query(alias="to", description="… and before this one, at most 31 days later")]
Zone = Annotated[
    ZoneName | None, Query(description="Of weekdays, times of day and days, such as the client's; else the practice's")
]
Client = Annotated[UUID | None, Query(description="Leaves out what collides with this client's own visits")]
NewClient = Annotated[bool, Query(description="Also what is kept for new clients, where no client is named")]
Ignore = Annotated[UUID | None, Query(description="An appointment to be moved: its own time counts as free")]


async def _seeking(
    request: Request,
    caller: Caller,
    appointment_type: UUID,
    begin: From,
    end: To,
    provider: Ids = [],  # noqa: B006 -- FastAPI copies a default, and an empty list documents better than null
    location: Ids = [],  # noqa: B006 -- as above
    modality: Modality | None = None,
    weekday: Weekdays = [],  # noqa: B006 -- as above
    time_of_day: Times = [],  # noqa: B006 -- as above
    zone: Zone = None,
    client: Client = None,
    new_client: NewClient = False,
    ignore: Ignore = None,
) -> Seeking:
    caller.require("slots:read")
    now = own(request).clock()
    return Seeking(
        tenant=caller.tenant,
        wish=Wish(
            appointment_type_id=appointment_type,
            provider_ids=tuple(provider),
            location_ids=tuple(location),
            modality=modality,
            weekdays=frozenset(weekday),
            times_of_day=frozenset(time_of_day),
        ),
        begin=begin,
        end=end,
        zone=zone,
        client_id=_for_whom(caller, client),
        new_client=new_client,
        ignore=ignore,
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


Search = Annotated[Seeking, Depends(_seeking)]


@router.get("", operation_id="search_slots", response_model=schemas.SlotPage)
async def search_slots(
    request: Request,
    seeking: Search,
    prefer: Preference = [],  # noqa: B006 -- as above
    first_available: Annotated[bool, Query(description="The first slot of each provider only")] = False,
    limit: Annotated[int, Query(ge=1, le=2000, description="Slots on a page")] = 50,
    cursor: paging.Cursor = None,
) -> Response:
    """Free slots, the soonest first. What is offered here can be booked within the hour, unless somebody is faster.

    With `prefer`, those of preferred providers come first; for an intake, those within two days before all others,
    since an intake soon is kept most often.
    """
    after, as_of = _decode(cursor, seeking.now)
    seeking = replace(seeking, wish=replace(seeking.wish, prefer=tuple(prefer)), as_of=as_of)
    shelf, found = await search.find(
        own(request).board, seeking=seeking, first_available=first_available, after=after, most=limit + 1
    )
    following = _encode(found[limit - 1].position, as_of) if len(found) > limit else None
    return Response(_page(request, seeking, shelf, found[:limit], following), media_type="application/json")


@router.get("/days", operation_id="count_slots")
async def count_slots(request: Request, seeking: Search) -> schemas.DayList:
    """How many free slots each local day has, for a calendar view."""
    board = own(request).board
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
    written: dict[Any, dict[int, bytes]] = {}
    for offer in found:
        plan, start = offer.plan, offer.start
        known = written.get(plan.schedule_id)
        if known is None:
            known = written[plan.schedule_id] = shelf.written.of(plan.schedule_id, expires)
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
