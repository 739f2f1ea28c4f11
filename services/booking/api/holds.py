"""Routes: holds, which keep a slot while somebody fills in a form."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository, schemas
from services.booking.api.common import or_alternatives, own, require_own_hold
from services.booking.domain.holds import check_live
from services.booking.use_cases import holds
from shared.commands import Answer, Write
from shared.contracts.slots import SlotId
from shared.errors import forbidden
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.post(
    "/holds",
    status_code=201,
    response_model=schemas.HoldBody,
    operation_id="hold_slot",
    responses=problems(404, 409, 410),
)
async def hold_slot(request: Request, body: schemas.NewHold, command: Write) -> Response:
    """Keeps an offered slot for five minutes. 409 `slot_taken` carries up to three `alternatives` that are free now."""
    principal, ours = command.principal, own(request)
    principal.require("appointments:write")
    client_id = body.client_id or principal.client_id
    if client_id is not None and not principal.may_see_client(client_id):
        raise forbidden("not_yours", "A client's token keeps slots for that client only.", field="client_id")
    now = ours.clock()
    slot = SlotId.verify(body.slot, ours.settings.slot_signing_key, principal.tenant, now)

    async def work(session: AsyncSession) -> Answer:
        kept = await holds.hold(
            session, tenant=principal.tenant, slot=slot, client_id=client_id, held_by=principal.subject, now=now
        )
        return Answer(schemas.HoldBody.of(kept), 201, kept.sequence, f"/v1/holds/{kept.id}")

    return await or_alternatives(ours, principal.tenant, client_id, lambda: command.run(work))


@router.get("/holds/{hold_id}", operation_id="get_hold", responses=problems(404, 410))
async def get_hold(request: Request, hold_id: UUID, caller: Caller) -> schemas.HoldBody:
    """A hold that has not ended."""
    caller.require("appointments:read")
    ours = own(request)
    async with ours.database.transaction(caller.tenant) as session:
        kept = await repository.holds.get(session, hold_id)
    require_own_hold(caller, kept)
    check_live(kept, ours.clock())
    return schemas.HoldBody.of(kept)


@router.post(
    "/holds/{hold_id}/extend",
    response_model=schemas.HoldBody,
    operation_id="extend_hold",
    responses=problems(404, 409, 410),
)
async def extend_hold(request: Request, hold_id: UUID, command: Write) -> Response:
    """Five minutes more, twice at most, while the time can be had: 409 `slot_taken` carries `alternatives` here too."""
    principal, ours = command.principal, own(request)
    principal.require("appointments:write")
    now = ours.clock()
    async with ours.database.transaction(principal.tenant) as session:
        known = await repository.holds.find(session, hold_id)

    async def work(session: AsyncSession) -> Answer:
        require_own_hold(principal, await repository.holds.get(session, hold_id))
        kept = await holds.extend(session, tenant=principal.tenant, hold_id=hold_id, now=now)
        return Answer(schemas.HoldBody.of(kept), 200, kept.sequence)

    client_id = known.client_id if known else None
    return await or_alternatives(ours, principal.tenant, client_id, lambda: command.run(work))


@router.delete("/holds/{hold_id}", status_code=204, operation_id="release_hold", response_class=Response)
async def release_hold(request: Request, hold_id: UUID, command: Write) -> Response:
    """Gives the slot back; a hold that has ended already, or that never was, is no error."""
    command.principal.require("appointments:write")
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        kept = await repository.holds.find(session, hold_id)
        if kept is not None:
            require_own_hold(command.principal, kept)
            await holds.end(session, tenant=command.principal.tenant, hold_id=hold_id, because="released", now=now)
        return Answer(None, 204)

    return await command.run(work)
