"""Routes: client and practice write to each other, and read it here."""

from functools import partial
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository, schemas
from services.notifications.api.common import AT_THE_PRACTICE, caseload, own, require_client
from services.notifications.domain.inbound import meaning
from services.notifications.domain.secure import Author, SecureMessage
from services.notifications.use_cases import secure
from shared import paging
from shared.auth import Role
from shared.commands import Answer, Write
from shared.errors import invalid
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.get("/conversations", operation_id="list_conversations")
async def list_conversations(
    request: Request, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.ConversationPage:
    """Who has written, the newest first: what is unread, and by when to answer."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.secure.conversations(session, paging.decode(cursor), limit + 1, caseload(caller))
    items, after = paging.page(found, limit, lambda one: (one.last_at, one.client_id))
    return schemas.ConversationPage(
        items=[schemas.ConversationBody.model_validate(item, from_attributes=True) for item in items], next=after
    )


@router.get("/clients/{client_id}/secure-messages", operation_id="list_secure_messages")
async def list_secure_messages(
    request: Request, client_id: UUID, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.SecureMessagePage:
    """What client and practice wrote to each other, the newest first."""
    caller.require("messages:read")
    async with own(request).database.transaction(caller.tenant) as session:
        await require_client(session, caller, client_id)
        found = await repository.secure.page(session, client_id, paging.decode(cursor), limit + 1)
        by_client = await repository.secure.unread(session, client_id, "practice")
        by_practice = await repository.secure.unread(session, client_id, "client")
        called = await repository.secure.called(session, found)
    items, after = paging.page(found, limit, lambda message: (message.written_at, message.id))
    return schemas.SecureMessagePage(
        items=[_body(item).model_copy(update={"called_at": called.get(item.task_id)}) for item in items],
        next=after,
        unread_by_client=by_client,
        unread_by_practice=by_practice,
    )


@router.post(
    "/clients/{client_id}/secure-messages",
    status_code=201,
    response_model=schemas.SecureMessageBody,
    operation_id="write_secure_message",
    responses=problems(404),
)
async def write_secure_message(
    request: Request, client_id: UUID, body: schemas.NewSecureMessage, command: Write
) -> Response:
    """Writes as whoever the token is for. A client's message becomes a task; the practice's answers what is open."""
    principal, now = command.principal, own(request).clock()
    principal.require("messages:write")
    by_client = principal.role is Role.CLIENT
    if body.kind == "concern" and not by_client:
        raise invalid("not_a_client", "Only a client voices a concern.", field="kind")

    async def work(session: AsyncSession) -> Answer:
        await require_client(session, principal, client_id)
        write = partial(secure.write_as_client, kind=body.kind) if by_client else secure.write_as_practice
        written = await write(
            session, tenant=principal.tenant, client_id=client_id, body=body.body, by=principal.subject, now=now
        )
        in_danger = by_client and meaning(body.body) == "safety"
        return Answer(_body(written).model_copy(update={"in_danger": in_danger}), 201)

    return await command.run(work)


@router.post(
    "/clients/{client_id}/secure-messages/read",
    response_model=schemas.ReadBody,
    operation_id="read_secure_messages",
    responses=problems(404),
)
async def read_secure_messages(request: Request, client_id: UUID, command: Write) -> Response:
    """Says that what the other side wrote was read."""
    principal, now = command.principal, own(request).clock()
    principal.require("messages:write")
    author: Author = "practice" if principal.role is Role.CLIENT else "client"

    async def work(session: AsyncSession) -> Answer:
        await require_client(session, principal, client_id)
        return Answer(schemas.ReadBody(read=await secure.read(session, client_id=client_id, author=author, now=now)))

    return await command.run(work)


def _body(message: SecureMessage) -> schemas.SecureMessageBody:
    return schemas.SecureMessageBody.model_validate(message, from_attributes=True)
