"""Third-party apps hear of events: kept with each event, tried on schedule, given up or replayed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import repository
from services.notifications.clients import Unavailable
from services.notifications.clients.hooks import Hooks
from services.notifications.domain import webhooks
from services.notifications.domain.webhooks import MOST_WEBHOOKS, TEST_EVENT, Delivery, Webhook
from shared import timers
from shared.contracts.envelope import Event
from shared.errors import conflict, invalid, require_version
from shared.handling import Arrived
from shared.outside import OutsideError
from shared.telemetry import annotate, under, use_case


@use_case
async def add(session: AsyncSession, *, tenant: UUID, webhook: Webhook, hooks: Hooks) -> Webhook:
    """Raises Problem `webhook_url_refused` or `too_many_webhooks`."""
    check_url(webhook.url, hooks)
    if await repository.webhooks.count(session, webhook.owner) >= MOST_WEBHOOKS:
        told = f"An app has at most {MOST_WEBHOOKS} webhooks, and so has the practice; remove one first."
        raise conflict("too_many_webhooks", told)
    await repository.webhooks.add(session, tenant, webhook)
    return webhook


def check_url(url: str, hooks: Hooks) -> None:
    """Raises Problem `webhook_url_refused`."""
    try:
        hooks.check(url)
    except OutsideError as error:
        raise invalid("webhook_url_refused", error.detail, field="url") from error


@use_case
async def change(
    session: AsyncSession,
    *,
    webhook_id: UUID,
    version: int | None,
    url: str,
    event_types: tuple[str, ...],
    hooks: Hooks,
) -> Webhook:
    """Also sets one going again that was disabled. Raises as `add`, or Problem `webhook_not_found`."""
    check_url(url, hooks)
    before = await repository.webhooks.get(session, webhook_id, lock=True)
    require_version(version, before.version)
    changed = replace(before, url=url, event_types=event_types, disabled_because=None, version=before.version + 1)
    await repository.webhooks.save(session, changed)
    return changed


@use_case
async def rotate(session: AsyncSession, *, webhook_id: UUID, now: datetime) -> Webhook:
    """A new secret; the old one signs too for a day. Raises Problem `webhook_not_found`."""
    changed = (await repository.webhooks.get(session, webhook_id, lock=True)).rotated(now)
    await repository.webhooks.save(session, changed)
    return changed


async def follow(session: AsyncSession, tenant: UUID, event: Event, at: datetime, now: datetime) -> None:
    """Keeps an event for each webhook that wants it, in the transaction that takes the event in."""
    for webhook in await repository.webhooks.for_event(session, event.type):
        payload = webhooks.payload_of(event, at)
        await _deliver(session, tenant, webhook, event.type, payload, now)


async def is_wanted(session: AsyncSession, event_type: str) -> bool:
    """Whether the practice has a webhook that wants to hear of events of this type."""
    return bool(await repository.webhooks.for_event(session, event_type))


async def follow_all(session: AsyncSession, tenant: UUID, arrived: Sequence[Arrived], now: datetime) -> None:
    """The same of events of one type."""
    for webhook in await repository.webhooks.for_event(session, arrived[0].envelope.event.type):
        for one in arrived:
            with under(one.span):
                event = one.envelope.event
                payload = webhooks.payload_of(event, one.envelope.time)
                await _deliver(session, tenant, webhook, event.type, payload, now)


@use_case
async def test(session: AsyncSession, *, tenant: UUID, webhook_id: UUID, now: datetime) -> Delivery:
    """Sends an event that is none. Raises Problem `webhook_not_found`."""
    webhook = await repository.webhooks.get(session, webhook_id)
    moment = now.isoformat().replace("+00:00", "Z")
    payload = f'{{"type":"{TEST_EVENT}","timestamp":"{moment}","data":{{}}}}'
    return await _deliver(session, tenant, webhook, TEST_EVENT, payload, now)


async def _deliver(
    session: AsyncSession, tenant: UUID, webhook: Webhook, event_type: str, payload: str, now: datetime
) -> Delivery:
    delivery = Delivery(uuid7(), webhook.id, event_type, payload, now, next_at=now)
    await repository.webhooks.add_delivery(session, tenant, delivery, now)
    return delivery


@use_case
async def replay(
    session: AsyncSession, *, tenant: UUID, webhook_id: UUID, delivery_id: UUID, now: datetime
) -> Delivery:
    """Tries again what was delivered or given up. Raises Problem `delivery_not_found` or `delivery_pending`."""
    before = await repository.webhooks.delivery(session, delivery_id, lock=True)
    if before.webhook_id != webhook_id:
        raise invalid("not_of_this_webhook", "This delivery is another webhook's.", field="delivery_id")
    if before.status == "pending":
        raise conflict("delivery_pending", "This is being tried already.")
    changed = before.replayed(now)
    await repository.webhooks.save_delivery(session, tenant, changed)
    return changed


@use_case
async def attempt(session: AsyncSession, *, tenant: UUID, delivery_id: UUID, now: datetime, hooks: Hooks) -> None:
    """One try. A webhook that says 410 gets nothing more until somebody sets it going again.

    Nobody is kept from changing it while it is called: one that has moved meanwhile is tried at its new address.
    """
    annotate(delivery_id=delivery_id)
    delivery = await repository.webhooks.delivery(session, delivery_id, lock=True)
    webhook = await repository.webhooks.get(session, delivery.webhook_id)
    if delivery.status != "pending":
        return
    if webhook.disabled_because is not None:
        await repository.webhooks.save_delivery(session, tenant, delivery.failed("disabled", now, for_good=True))
        return
    headers = {
        "webhook-id": str(delivery.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": webhooks.signature(webhook.secrets_at(now), str(delivery.id), now, delivery.payload),
    }
    try:
        answer = await hooks.call(webhook.id, webhook.url, headers, delivery.payload)
    except Unavailable as error:
        # Not a try: it stays as it is.
        timers.try_later(session, error.after)
        return
    annotate(webhook_answer=answer.told)
    if answer.ok:
        changed = delivery.answered(answer.told, now)
    else:
        gone = answer.gone and await repository.webhooks.disable(session, webhook, "gone")
        changed = delivery.failed(answer.told, now, for_good=gone)
    await repository.webhooks.save_delivery(session, tenant, changed)
