"""Routes: how the practice presents itself."""

from dataclasses import asdict

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository, schemas
from services.notifications.api.common import ADMINISTRATION, AT_THE_PRACTICE, own
from services.notifications.use_cases import practice
from shared.commands import Answer, Write
from shared.errors import not_found
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.put("/sender", response_model=schemas.SenderBody, operation_id="set_sender")
async def set_sender(request: Request, body: schemas.SenderBody, command: Write) -> Response:
    """Sets the practice's name, addresses and hours for messages. 422 `name_refused`: the name isn't neutral."""
    principal, now = command.principal, own(request).clock()
    principal.require("messages:write", *ADMINISTRATION)

    async def work(session: AsyncSession) -> Answer:
        await practice.set_sender(session, tenant=principal.tenant, sender=body.sender(), now=now)
        return Answer(body)

    return await command.run(work)


@router.get("/sender", operation_id="get_sender", responses=problems(404))
async def get_sender(request: Request, caller: Caller) -> schemas.SenderBody:
    """The practice's name, addresses and hours for messages."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        sender = await repository.people.sender(session)
    if sender is None:
        raise not_found("sender", "The practice has set no sender yet; PUT /v1/sender.")
    # As it stands: what was entered before has not been looked at as what is entered now.
    return schemas.SenderBody.model_construct(**asdict(sender))
