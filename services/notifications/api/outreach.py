"""Routes: outreach under way and past."""

from uuid import UUID

from fastapi import APIRouter, Request

from services.notifications import repository, schemas
from services.notifications.api.common import AT_THE_PRACTICE, caseload, own
from shared import paging
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.get("/outreach", operation_id="list_outreach")
async def list_outreach(
    request: Request,
    caller: Caller,
    client_id: UUID | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.OutreachPage:
    """Outreach by its start, with what became of it."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.outreach.page(session, client_id, paging.decode(cursor), limit + 1, caseload(caller))
    items, after = paging.page(found, limit, lambda run: (run.started_at, run.id))
    return schemas.OutreachPage(items=[schemas.OutreachBody.of(item) for item in items], next=after)
