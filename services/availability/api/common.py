"""What the routes of availability share."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.availability.resources import Resources
from shared.auth import Principal, Role
from shared.commands import Answer, Command
from shared.errors import forbidden

AT_THE_PRACTICE = (Role.PROVIDER, Role.STAFF, Role.ADMIN, Role.APP)
ADMINISTRATION = (Role.STAFF, Role.ADMIN, Role.APP)


def own(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


def require_own_hours(principal: Principal, provider_id: UUID) -> None:
    """Raises Problem `not_yours` where a provider's token would change another's hours."""
    principal.require("schedules:write", *AT_THE_PRACTICE)
    if principal.role is Role.PROVIDER and principal.provider_id != provider_id:
        raise forbidden("not_yours", "A provider's token changes that provider's hours only.")


async def commit(request: Request, command: Command, work: Callable[[AsyncSession], Awaitable[Answer]]) -> Response:
    """Runs a command, and has this process's searches know of it at once; those of others hear within moments."""
    response = await command.run(work)
    await own(request).board.look()
    return response
