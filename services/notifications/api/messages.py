"""Routes: what a client was sent, and why or why not."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

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
    async with own(request).database.transaction(caller.tenant) as session:
        await require_client(session, caller, client_id)
        found = await repository.messages.page(session, client_id, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda message: (message.due_at, message.id))
    return schemas.MessagePage(items=[schemas.MessageBody.of(item) for item in items], next=after)


@router.get("/clients/{client_id}/explain", operation_id="explain_messages")
async def explain(
    request: Request,
    client_id: UUID,
    caller: Caller,
    appointment: Annotated[UUID | None, Query(description="Only what is about this visit and its outreach")] = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> schemas.Explanation:
    """Why this client was, or was not, messaged: every decision with its reason, its times and its trace."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        await require_client(session, caller, client_id)
        begin = paging.decode(cursor)
        found = await repository.decisions.page(session, client_id, begin, limit + 1, appointment)
    items, after = paging.page(found, limit, lambda row: (row["at"], row["id"]))
    return schemas.Explanation(items=[schemas.Decision.of(row) for row in items], next=after)


@router.get("/reconciliations", operation_id="list_reconciliations")
async def list_reconciliations(
    request: Request, caller: Caller, limit: paging.Limit = 24, cursor: paging.Cursor = None
) -> schemas.ReconciliationPage:
    """Expected against sent, hour by hour, the newest first."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.reconciling.page(session, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda item: (item.at, item.id))
    return schemas.ReconciliationPage(
        items=[schemas.ReconciliationBody.model_validate(item, from_attributes=True) for item in items], next=after
    )
