"""Routes: clients."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository, schemas
from services.booking.api.common import AT_THE_PRACTICE, actor_of, own
from services.booking.use_cases import clients
from shared.commands import Answer, Write
from shared.errors import not_found
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.post("/clients", status_code=201, response_model=schemas.ClientBody, operation_id="register_client")
async def register_client(request: Request, body: schemas.NewClient, command: Write) -> Response:
    """Registers a client; contact details and consent go to notifications."""
    command.principal.require("clients:write", *AT_THE_PRACTICE)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        client = await clients.register(session, tenant=command.principal.tenant, name=body.name, now=now)
        return Answer(schemas.ClientBody.of(client), 201, client.sequence, f"/v1/clients/{client.id}")

    return await command.run(work)


@router.get("/clients/{client_id}", operation_id="get_client", responses=problems(404))
async def get_client(request: Request, client_id: UUID, caller: Caller) -> schemas.ClientBody:
    """One client."""
    caller.require("clients:read")
    if not caller.may_see_client(client_id):
        raise not_found("client")
    async with own(request).database.transaction(caller.tenant) as session:
        return schemas.ClientBody.of(await repository.clients.get(session, client_id))


@router.post(
    "/clients/{client_id}/discharge",
    response_model=schemas.ClientBody,
    operation_id="discharge_client",
    responses=problems(404, 409),
)
async def discharge_client(request: Request, client_id: UUID, body: schemas.Discharge, command: Write) -> Response:
    """Ends a client's care: nothing can be booked for them, places on the waitlist are given up, outreach ends."""
    principal = command.principal
    principal.require("clients:write", *AT_THE_PRACTICE)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        client = await clients.discharge(
            session,
            tenant=principal.tenant,
            client_id=client_id,
            cancel_visits=body.cancel_visits,
            actor=actor_of(principal),
            now=now,
        )
        return Answer(schemas.ClientBody.of(client), 200, client.sequence)

    return await command.run(work)


@router.post(
    "/clients/{client_id}/readmit",
    response_model=schemas.ClientBody,
    operation_id="readmit_client",
    responses=problems(404),
)
async def readmit_client(request: Request, client_id: UUID, command: Write) -> Response:
    """A discharged client is in care again."""
    principal = command.principal
    principal.require("clients:write", *AT_THE_PRACTICE)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        client = await clients.readmit(session, tenant=principal.tenant, client_id=client_id, now=now)
        return Answer(schemas.ClientBody.of(client), 200, client.sequence)

    return await command.run(work)
