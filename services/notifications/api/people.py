"""Routes: where a client can be reached, and what they agreed to."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository, schemas
from services.notifications.api.common import ADMINISTRATION, AT_THE_PRACTICE, own, require_client
from services.notifications.use_cases import practice
from shared.auth import Role
from shared.commands import Answer, Write
from shared.errors import not_found
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.put("/clients/{client_id}/contact", response_model=schemas.ContactBody, operation_id="set_contact")
async def set_contact(client_id: UUID, body: schemas.ContactBody, command: Write) -> Response:
    """Sets where a client can be reached; every later message honours it."""
    command.principal.require("messages:write")

    async def work(session: AsyncSession) -> Answer:
        await require_client(session, command.principal, client_id)
        await practice.set_contact(session, tenant=command.principal.tenant, contact=body.contact(client_id))
        return Answer(body)

    return await command.run(work)


@router.get("/clients/{client_id}/contact", operation_id="get_contact", responses=problems(404))
async def get_contact(request: Request, client_id: UUID, caller: Caller) -> schemas.ContactBody:
    """Where a client can be reached."""
    caller.require("messages:read")
    async with own(request).database.transaction(caller.tenant) as session:
        await require_client(session, caller, client_id)
        contact = await repository.people.contact(session, client_id)
    if contact is None:
        raise not_found("contact")
    # As it stands: an address of before has not been looked at as one that is entered now.
    return schemas.ContactBody.model_construct(email=contact.email, phone=contact.phone, zone=contact.zone)


@router.put("/clients/{client_id}/preferences", response_model=schemas.PreferencesBody, operation_id="set_preferences")
async def set_preferences(client_id: UUID, body: schemas.PreferencesBody, command: Write) -> Response:
    """Sets what a client wishes: channels, language, hours. Every later message honours it."""
    command.principal.require("messages:write")

    async def work(session: AsyncSession) -> Answer:
        await require_client(session, command.principal, client_id)
        await practice.set_preferences(session, tenant=command.principal.tenant, wished=body.preferences(client_id))
        return Answer(body)

    return await command.run(work)


@router.get("/clients/{client_id}/preferences", operation_id="get_preferences")
async def get_preferences(request: Request, client_id: UUID, caller: Caller) -> schemas.PreferencesBody:
    """What a client wishes."""
    caller.require("messages:read")
    async with own(request).database.transaction(caller.tenant) as session:
        await require_client(session, caller, client_id)
        wished = await repository.people.preferences(session, client_id)
    return schemas.PreferencesBody(
        channels=list(wished.channels), language=wished.language, opens=wished.opens, closes=wished.closes
    )


@router.post(
    "/clients/{client_id}/consents",
    status_code=201,
    response_model=schemas.ConsentRecord,
    operation_id="record_consent",
    responses=problems(404, 409),
)
async def record_consent(request: Request, client_id: UUID, body: schemas.ConsentBody, command: Write) -> Response:
    """Records a yes or no to a channel. Without a yes on record nothing is sent by it."""
    principal, now = command.principal, own(request).clock()
    principal.require("messages:write")

    async def work(session: AsyncSession) -> Answer:
        await require_client(session, principal, client_id)
        address = await practice.record_consent(
            session, tenant=principal.tenant, client_id=client_id, actor=principal.subject, now=now, **body.model_dump()
        )
        said = {"address": address, "actor": principal.subject, "at": now, **body.model_dump()}
        stopped = body.granted and body.channel == "sms" and await repository.people.is_suppressed(session, address)
        record = schemas.ConsentRecord.model_validate({**said, "stopped": stopped})
        return Answer(record, 201)

    return await command.run(work)


@router.get("/clients/{client_id}/consents", operation_id="list_consents")
async def list_consents(request: Request, client_id: UUID, caller: Caller) -> schemas.ConsentList:
    """Every yes and no of a client, the newest first."""
    caller.require("messages:read")
    async with own(request).database.transaction(caller.tenant) as session:
        await require_client(session, caller, client_id)
        rows = await repository.people.consents_of(session, client_id)
    names = schemas.ConsentRecord.model_fields.keys() - {"stopped"}
    return schemas.ConsentList(items=[schemas.ConsentRecord(**{name: row[name] for name in names}) for row in rows])


@router.get("/clients/{client_id}/pause", operation_id="get_pause", responses=problems(404))
async def get_pause(request: Request, client_id: UUID, caller: Caller) -> schemas.PauseBody:
    """Whether a person looks after this client, and why; the last time, where that was lifted."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        await require_client(session, caller, client_id)
        found = await repository.people.last_pause(session, client_id)
    if found is None:
        raise not_found("pause", "Nothing was ever paused for this client.")
    return schemas.PauseBody.model_validate(found, from_attributes=True)


@router.post("/clients/{client_id}/pause", response_model=schemas.PauseBody, operation_id="pause_client")
async def pause_client(request: Request, client_id: UUID, command: Write) -> Response:
    """A person takes over: nothing automated goes to this client until it is lifted."""
    principal, now = command.principal, own(request).clock()
    principal.require("messages:write", *AT_THE_PRACTICE)

    async def work(session: AsyncSession) -> Answer:
        await require_client(session, principal, client_id)
        found = await practice.pause(session, tenant=principal.tenant, client_id=client_id, now=now)
        return Answer(schemas.PauseBody.model_validate(found, from_attributes=True))

    return await command.run(work)


@router.post(
    "/clients/{client_id}/resume",
    response_model=schemas.PauseBody,
    operation_id="resume_client",
    responses=problems(409),
)
async def resume_client(request: Request, client_id: UUID, command: Write) -> Response:
    """A person at the practice says that messages may go again."""
    principal, now = command.principal, own(request).clock()
    principal.require("messages:write", Role.PROVIDER, *ADMINISTRATION)

    async def work(session: AsyncSession) -> Answer:
        await require_client(session, principal, client_id)
        found = await practice.resume(
            session, tenant=principal.tenant, client_id=client_id, by=principal.subject, now=now
        )
        return Answer(schemas.PauseBody.model_validate(found, from_attributes=True))

    return await command.run(work)
