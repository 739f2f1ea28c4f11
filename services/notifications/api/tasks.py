"""Routes: what persons at the practice should do."""

from fastapi import APIRouter, Request

from services.notifications import repository, schemas
from services.notifications.api.common import AT_THE_PRACTICE, own
from shared import paging
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.get("/tasks", operation_id="list_tasks")
async def list_tasks(
    request: Request, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.TaskPage:
    """What persons at the practice should do, oldest first."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.tasks.page(session, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda row: (row["opened_at"], row["id"]))
    names = schemas.TaskBody.model_fields
    return schemas.TaskPage(
        items=[schemas.TaskBody(**{name: row[name] for name in names}) for row in items], next=after
    )
