"""What the routes of notifications share."""

from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.tasks import Seer
from services.notifications.domain.templates import Links
from services.notifications.resources import Resources
from shared.auth import Principal, Role
from shared.errors import forbidden, not_found

AT_THE_PRACTICE = (Role.PROVIDER, Role.STAFF, Role.ADMIN, Role.APP)
ADMINISTRATION = (Role.STAFF, Role.ADMIN)


def own(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


def links_of(ours: Resources, tenant: UUID) -> Links:
    settings = ours.settings
    return Links(
        tenant,
        settings.link_signing_key,
        settings.booking_public_url,
        settings.feedback_public_url,
        settings.public_url,
    )


def caseload(caller: Principal) -> UUID | None:
    """Of the provider whose clients the caller sees; None where that is everybody's. Raises Problem `role_not_allowed`
    for a provider of whom the token doesn't say who they are.
    """
    if caller.role is not Role.PROVIDER:
        return None
    if caller.provider_id is None:
        raise forbidden("role_not_allowed", "The token of a provider should say which one, by its provider_id.")
    return caller.provider_id


async def require_client(session: AsyncSession, caller: Principal, client_id: UUID) -> None:
    """Raises Problem `client_not_found` where the caller may not see them: a client sees what is theirs, a provider
    the clients of their visits, past or to come.
    """
    provider = caseload(caller)
    known = caller.may_see_client(client_id)
    if provider is not None:
        known = await repository.visits.is_in_caseload(session, client_id, provider)
    if not known:
        raise not_found("client")


def seer(caller: Principal) -> Seer | None:
    """Of tasks: None where the caller sees all."""
    provider = caseload(caller)
    return None if provider is None else Seer(caller.subject, provider)


async def require_task(session: AsyncSession, caller: Principal, task_id: UUID) -> None:
    """Raises Problem `task_not_found`: a provider sees those that they have or that are about their clients."""
    provider = caseload(caller)
    if provider is None:
        return
    task = await repository.tasks.get(session, task_id)
    if task.owner == caller.subject or task.provider_id == provider:
        return
    if task.client_id is None or not await repository.visits.is_in_caseload(session, task.client_id, provider):
        raise not_found("task")
