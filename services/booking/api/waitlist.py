"""Routes: the waitlist, its rules, and the offers of freed times."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.booking import repository, schemas
from services.booking.api.common import AT_THE_PRACTICE, actor_of, answer_of, own
from services.booking.domain.appointments import Appointment
from services.booking.domain.slots import UNAVAILABLE, SlotTaken
from services.booking.domain.waitlist import Entry, Offer, Rules, check_open
from services.booking.resources import Resources
from services.booking.use_cases import accepting, waitlist
from shared import paging
from shared.auth import Principal, Role
from shared.commands import Answer, Write, etag
from shared.contracts.waitlist import EntryStatus, Fate
from shared.errors import Problem, forbidden, invalid, not_found
from shared.telemetry import continued
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.post(
    "/waitlist",
    status_code=201,
    response_model=schemas.EntryBody,
    operation_id="join_waitlist",
    responses=problems(404, 409),
)
async def join_waitlist(request: Request, body: schemas.NewEntry, command: Write) -> Response:
    """Waits for a time that suits. Whatever becomes free is offered to three at a time, the longest waiting first."""
    principal = command.principal
    principal.require("appointments:write")
    client_id = body.client_id or principal.client_id
    if client_id is None:
        raise invalid("client_missing", "Say who waits.", field="client_id")
    if not principal.may_see_client(client_id):
        raise forbidden("not_yours", "A client's token waits for that client only.", field="client_id")
    now = own(request).clock()
    entry = Entry(
        id=uuid7(),
        client_id=client_id,
        windows=tuple(window.window() for window in body.windows),
        status="waiting",
        joined_at=now,
        joined_by=principal.subject,
        **body.model_dump(exclude={"client_id", "windows"}),
    )

    async def work(session: AsyncSession) -> Answer:
        joined = await waitlist.join(session, tenant=principal.tenant, entry=entry, now=now)
        return _answer_of(joined, 201)

    return await command.run(work)


@router.get("/waitlist", operation_id="list_waitlist")
async def list_waitlist(
    request: Request,
    caller: Caller,
    client_id: UUID | None = None,
    status: EntryStatus | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.EntryPage:
    """Who waits, the longest waiting first; a client's token sees that client's places."""
    caller.require("appointments:read")
    if caller.role is Role.CLIENT:
        if client_id not in (None, caller.client_id):
            raise forbidden("not_yours", "A client's token lists that client's places only.", field="client_id")
        client_id = caller.client_id
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.waitlist.page(session, paging.decode(cursor), limit + 1, client_id, status)
    items, after = paging.page(found, limit, lambda entry: (entry.joined_at, entry.id))
    return schemas.EntryPage(items=[schemas.EntryBody.of(item) for item in items], next=after)


@router.get("/waitlist/rules", operation_id="get_waitlist_rules")
async def get_waitlist_rules(request: Request, response: Response, caller: Caller) -> schemas.WaitlistRulesBody:
    """How the practice offers freed times; the default rules in version 0 where it has set none."""
    caller.require("appointments:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        rules = await repository.waitlist.rules(session)
    response.headers["etag"] = etag(rules.version)
    return schemas.WaitlistRulesBody.of(rules)


@router.put(
    "/waitlist/rules",
    response_model=schemas.WaitlistRulesBody,
    operation_id="set_waitlist_rules",
    responses=problems(412, 428),
)
async def set_waitlist_rules(body: schemas.NewWaitlistRules, command: Write) -> Response:
    """Sets how freed times are offered; what is on offer already stays so."""
    principal = command.principal
    principal.require("appointments:write", Role.ADMIN)

    async def work(session: AsyncSession) -> Answer:
        version = command.version_read
        rules = Rules(**body.model_dump(), version=version + 1)
        changed = await waitlist.set_rules(session, tenant=principal.tenant, version=version, rules=rules)
        return Answer(schemas.WaitlistRulesBody.of(changed), 200, changed.version)

    return await command.run(work)


@router.get("/waitlist/{entry_id}", operation_id="get_waitlist_entry", responses=problems(404))
async def get_waitlist_entry(request: Request, entry_id: UUID, caller: Caller) -> schemas.EntryBody:
    """A place on the waitlist."""
    caller.require("appointments:read")
    async with own(request).database.transaction(caller.tenant) as session:
        return schemas.EntryBody.of(await _visible_entry(session, caller, entry_id))


@router.get("/waitlist/{entry_id}/offers", operation_id="list_waitlist_offers", responses=problems(404))
async def list_waitlist_offers(request: Request, entry_id: UUID, caller: Caller) -> schemas.OfferList:
    """Every time that was offered for a place, and what became of it."""
    caller.require("appointments:read")
    async with own(request).database.transaction(caller.tenant) as session:
        await _visible_entry(session, caller, entry_id)
        found = await repository.waitlist.offers_of(session, entry_id)
    return schemas.OfferList(items=[schemas.OfferBody.of(offer) for offer in found])


@router.delete(
    "/waitlist/{entry_id}",
    response_model=schemas.EntryBody,
    operation_id="leave_waitlist",
    responses=problems(404),
)
async def leave_waitlist(request: Request, entry_id: UUID, command: Write) -> Response:
    """Gives a place up; one that is filled or left already stays so."""
    principal = command.principal
    principal.require("appointments:write")
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        await _visible_entry(session, principal, entry_id)
        return _answer_of(await waitlist.leave(session, tenant=principal.tenant, entry_id=entry_id, now=now))

    return await command.run(work)


@router.post(
    "/waitlist/offers/{offer_id}/accept",
    response_model=schemas.AppointmentBody,
    operation_id="accept_offer",
    responses=problems(404, 409, 410),
)
async def accept_offer(request: Request, offer_id: UUID, command: Write) -> Response:
    """Takes a freed time: the first to accept has it; for the others 410 `offer_over`, and their place stays theirs."""
    principal, ours = command.principal, own(request)
    principal.require("appointments:write")
    now = ours.clock()

    async def work(session: AsyncSession) -> Answer:
        offer = await _visible_offer(session, principal, offer_id)
        with continued("accept offer", offer.traceparent):
            visit = await accepting.accept(
                session, tenant=principal.tenant, offer_id=offer_id, actor=actor_of(principal), now=now
            )
        return answer_of(visit)

    try:
        return await command.run(work)
    except Problem as refused:
        visit = await too_late(ours, principal.tenant, offer_id, refused)
        return await command.run(lambda _: _already(visit))


@router.post(
    "/waitlist/offers/{offer_id}/decline",
    response_model=schemas.OfferBody,
    operation_id="decline_offer",
    responses=problems(404, 410),
)
async def decline_offer(request: Request, offer_id: UUID, command: Write) -> Response:
    """Leaves a freed time to the next; the place on the list stays."""
    principal = command.principal
    principal.require("appointments:write")
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        await _visible_offer(session, principal, offer_id)
        declined = await accepting.decline(session, tenant=principal.tenant, offer_id=offer_id, now=now)
        return Answer(schemas.OfferBody.of(declined), 200)

    return await command.run(work)


async def too_late(ours: Resources, tenant: UUID, offer_id: UUID, refused: Problem) -> Appointment:
    """What is to be said to whoever accepts a time that can't be had any more: kindly, and on record.

    The visit, where the same client's first tap got it. Raises Problem `offer_over`; or the one given, where the client
    has another visit at that time, for then the offer stands, and where it is of another kind.
    """
    now = ours.clock()
    is_busy = refused.extra.get("rule") == "client"
    if refused.code not in UNAVAILABLE | {"offer_over"}:
        raise refused
    if is_busy:
        refused.detail = "You have another visit at this time; change that one first."
    async with ours.database.transaction(tenant) as session:
        offer = await repository.waitlist.offer(session, offer_id)
        if offer.appointment_id is not None:
            return await repository.appointments.get(session, offer.appointment_id)
        if is_busy or refused.code == "offer_over":
            raise refused
        fate: Fate = "lost" if isinstance(refused, SlotTaken) else "withdrawn"
        over = await accepting.close(session, tenant=tenant, offer_id=offer_id, fate=fate, now=now)
    check_open(over, now)
    raise refused


async def _already(visit: Appointment) -> Answer:
    return answer_of(visit)


async def _visible_entry(session: AsyncSession, principal: Principal, entry_id: UUID) -> Entry:
    entry = await repository.waitlist.entry(session, entry_id)
    if not principal.may_see_client(entry.client_id):
        raise not_found("waitlist_entry", "There is no such place on the waitlist.")
    return entry


async def _visible_offer(session: AsyncSession, principal: Principal, offer_id: UUID) -> Offer:
    offer = await repository.waitlist.offer(session, offer_id)
    if not principal.may_see_client(offer.client_id):
        raise not_found("offer", "There is no such offer.")
    return offer


def _answer_of(entry: Entry, status: int = 200) -> Answer:
    location = f"/v1/waitlist/{entry.id}" if status == 201 else None
    return Answer(schemas.EntryBody.of(entry), status, entry.sequence, location)
