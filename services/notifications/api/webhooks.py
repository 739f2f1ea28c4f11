"""Routes: webhooks of third-party apps."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import repository, schemas
from services.notifications.api.common import own
from services.notifications.domain.webhooks import Status, Webhook, new_secret
from services.notifications.use_cases import webhooks
from shared import paging
from shared.auth import Principal, Role
from shared.commands import Answer, Write
from shared.errors import not_found
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))

BY = (Role.ADMIN, Role.APP)


def _app(caller: Principal) -> str | None:
    """The app that calls; None for an administrator, who has all webhooks."""
    return caller.subject if caller.role is Role.APP else None


async def _require_own(session: AsyncSession, caller: Principal, webhook_id: UUID) -> None:
    """Raises Problem `webhook_not_found` for another app's, or the practice's."""
    webhook, app = await repository.webhooks.get(session, webhook_id), _app(caller)
    if app not in (None, webhook.owner):
        raise not_found("webhook")


@router.post(
    "/webhooks",
    status_code=201,
    response_model=schemas.NewWebhookBody,
    operation_id="add_webhook",
    responses=problems(409),
)
async def add_webhook(request: Request, body: schemas.NewWebhook, command: Write) -> Response:
    """Lets an app hear of events: ids only, signed by Standard Webhooks. The secret is told here, and never again."""
    principal, ours = command.principal, own(request)
    principal.require("webhooks:write", *BY)
    now = ours.clock()

    async def work(session: AsyncSession) -> Answer:
        webhook = await webhooks.add(
            session,
            tenant=principal.tenant,
            webhook=Webhook(uuid7(), body.url, tuple(body.event_types), new_secret(), now, owner=_app(principal)),
            hooks=ours.hooks,
        )
        return Answer(schemas.NewWebhookBody.of(webhook), 201, webhook.version, f"/v1/webhooks/{webhook.id}")

    return await command.run(work)


@router.get("/webhooks", operation_id="list_webhooks")
async def list_webhooks(request: Request, caller: Caller) -> schemas.WebhookList:
    """The app's webhooks; to an administrator, all of the practice's."""
    caller.require("webhooks:read", *BY)
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.webhooks.all_of(session, _app(caller))
    return schemas.WebhookList(items=[schemas.WebhookBody.of(webhook) for webhook in found])


@router.put(
    "/webhooks/{webhook_id}",
    response_model=schemas.WebhookBody,
    operation_id="change_webhook",
    responses=problems(404, 412),
)
async def change_webhook(request: Request, webhook_id: UUID, body: schemas.NewWebhook, command: Write) -> Response:
    """Another address or other events; one that was disabled is set going again."""
    command.principal.require("webhooks:write", *BY)
    ours = own(request)

    async def work(session: AsyncSession) -> Answer:
        await _require_own(session, command.principal, webhook_id)
        webhook = await webhooks.change(
            session,
            webhook_id=webhook_id,
            version=command.if_match,
            url=body.url,
            event_types=tuple(body.event_types),
            hooks=ours.hooks,
        )
        return Answer(schemas.WebhookBody.of(webhook), 200, webhook.version)

    return await command.run(work)


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=204,
    operation_id="remove_webhook",
    response_class=Response,
    responses=problems(404),
)
async def remove_webhook(webhook_id: UUID, command: Write) -> Response:
    """Ends a webhook, and whatever was to be delivered to it."""
    command.principal.require("webhooks:write", *BY)

    async def work(session: AsyncSession) -> Answer:
        if webhook_id in {one.id for one in await repository.webhooks.all_of(session)}:
            await _require_own(session, command.principal, webhook_id)
            await repository.webhooks.remove(session, webhook_id)
        return Answer(None, 204)

    return await command.run(work)


@router.post(
    "/webhooks/{webhook_id}/rotate-secret",
    response_model=schemas.NewWebhookBody,
    operation_id="rotate_webhook_secret",
    responses=problems(404),
)
async def rotate_secret(request: Request, webhook_id: UUID, command: Write) -> Response:
    """A new secret; for a day the old one signs too."""
    command.principal.require("webhooks:write", *BY)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        await _require_own(session, command.principal, webhook_id)
        webhook = await webhooks.rotate(session, webhook_id=webhook_id, now=now)
        return Answer(schemas.NewWebhookBody.of(webhook), 200, webhook.version)

    return await command.run(work)


@router.post(
    "/webhooks/{webhook_id}/test",
    status_code=202,
    response_model=schemas.DeliveryBody,
    operation_id="test_webhook",
    responses=problems(404),
)
async def test_webhook(request: Request, webhook_id: UUID, command: Write) -> Response:
    """Sends `webhook.test`, an event that is none; its delivery says what came of it."""
    command.principal.require("webhooks:write", *BY)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        await _require_own(session, command.principal, webhook_id)
        delivery = await webhooks.test(session, tenant=command.principal.tenant, webhook_id=webhook_id, now=now)
        return Answer(schemas.DeliveryBody.of(delivery), 202)

    return await command.run(work)


@router.get("/webhooks/{webhook_id}/deliveries", operation_id="list_webhook_deliveries", responses=problems(404))
async def list_deliveries(
    request: Request,
    webhook_id: UUID,
    caller: Caller,
    status: Status | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.DeliveryPage:
    """What was to be delivered, the oldest first; `status=dead` are those given up."""
    caller.require("webhooks:read", *BY)
    async with own(request).database.transaction(caller.tenant) as session:
        await _require_own(session, caller, webhook_id)
        after = paging.decode(cursor)
        found = await repository.webhooks.deliveries(session, webhook_id, status, after, limit + 1)
    items, following = paging.page(found, limit, lambda delivery: (delivery.created_at, delivery.id))
    return schemas.DeliveryPage(items=[schemas.DeliveryBody.of(delivery) for delivery in items], next=following)


@router.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    response_model=schemas.DeliveryBody,
    operation_id="replay_webhook_delivery",
    responses=problems(404, 409),
)
async def replay_delivery(request: Request, webhook_id: UUID, delivery_id: UUID, command: Write) -> Response:
    """Delivers once more what was delivered or given up, under the same id."""
    command.principal.require("webhooks:write", *BY)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        await _require_own(session, command.principal, webhook_id)
        delivery = await webhooks.replay(
            session, tenant=command.principal.tenant, webhook_id=webhook_id, delivery_id=delivery_id, now=now
        )
        return Answer(schemas.DeliveryBody.of(delivery), 202)

    return await command.run(work)
