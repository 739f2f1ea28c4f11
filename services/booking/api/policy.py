"""Routes: what a practice decides for itself."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository, schemas
from services.booking.api.common import AT_THE_PRACTICE, own
from services.booking.domain.policy import Policy
from services.booking.use_cases import policy
from shared.auth import Role
from shared.commands import Answer, Write, etag
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.get("/policy", operation_id="get_policy")
async def get_policy(request: Request, response: Response, caller: Caller) -> schemas.PolicyBody:
    """The practice's rules for its visits; the default ones in version 0 where it has set none."""
    caller.require("appointments:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.policy.get(session)
    response.headers["etag"] = etag(found.version)
    return schemas.PolicyBody.of(found)


@router.put("/policy", response_model=schemas.PolicyBody, operation_id="set_policy", responses=problems(412, 428))
async def set_policy(body: schemas.NewPolicy, command: Write) -> Response:
    """Sets the practice's rules for its visits; what has happened already stays as it was judged then."""
    principal = command.principal
    principal.require("appointments:write", Role.ADMIN)

    async def work(session: AsyncSession) -> Answer:
        changed = await policy.set_policy(
            session, tenant=principal.tenant, version=command.version_read, policy=Policy(**body.model_dump())
        )
        return Answer(schemas.PolicyBody.of(changed), 200, changed.version)

    return await command.run(work)
