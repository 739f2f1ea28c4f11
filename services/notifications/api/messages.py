"""Routes: what a client was sent, and why or why not."""

from uuid import UUID

from fastapi import APIRouter, Request

from services.notifications import repository, schemas
from services.notifications.api.common import AT_THE_PRACTICE, own, require_client
from shared import paging
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.get("/clients/{client_id}/messages", operation_id="list_messages")
async def list_messages(
    request: Request, client_id: UUID, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.MessagePage:
    """The message log of a client, by due time."""
    caller.require("messages:read")
    require_client(caller, client_id)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.messages.page(session, client_id, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda message: (message.due_at, message.id))
    return schemas.MessagePage(items=[schemas.MessageBody.of(item) for item in items], next=after)


@router.get("/clients/{client_id}/explain", operation_id="explain_messages")
async def explain(
    request: Request, client_id: UUID, caller: Caller, limit: paging.Limit = 100, cursor: paging.Cursor = None
) -> schemas.Explanation:
    """Why this client was, or was not, messaged: every decision with its reason."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.decisions.page(session, client_id, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda row: (row["at"], row["id"]))
    names = schemas.Decision.model_fields
    return schemas.Explanation(
        items=[schemas.Decision(**{name: row[name] for name in names}) for row in items], next=after
    )
