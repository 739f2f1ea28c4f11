"""Timed work of notifications: {kind of timer: handler} → use case."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.resources import Resources
from services.notifications.use_cases import (
    handing_over,
    outreach,
    reconciling,
    reports,
    sending,
    sending_together,
    webhooks,
)
from shared.timers import Due, Handler, ManyHandler, Timer


def _post(resources: Resources) -> handing_over.Post:
    settings = resources.settings
    return handing_over.Post(
        beside=resources.beside,
        carriers=resources.carriers,
        booking=resources.booking,
        booking_url=settings.booking_public_url,
        feedback_url=settings.feedback_public_url,
        link_key=settings.link_signing_key,
        callback_base=settings.public_url,
    )


def timers_together(resources: Resources) -> Mapping[str, ManyHandler]:
    """Of those below, what is done for many at once."""
    post = _post(resources)

    async def on_messages_due(session: AsyncSession, tenant: UUID, due: Sequence[Due]) -> Collection[UUID]:
        now = min(one.timer.now for one in due)
        return await sending_together.send_together(session, tenant=tenant, due=due, now=now, post=post)

    return {repository.messages.SEND: on_messages_due}


def timers(resources: Resources) -> Mapping[str, Handler]:
    post = _post(resources)

    async def on_message_due(session: AsyncSession, timer: Timer) -> None:
        await sending.send(session, tenant=timer.tenant, message_id=timer.key, now=timer.now, post=post)

    async def on_step_due(session: AsyncSession, timer: Timer) -> None:
        await outreach.take_step(session, tenant=timer.tenant, outreach_id=timer.key, now=timer.now)

    async def on_alert_due(session: AsyncSession, timer: Timer) -> None:
        await handing_over.alert_practice(session, tenant=timer.tenant, task_id=timer.key, now=timer.now, post=post)

    async def on_overdue(session: AsyncSession, timer: Timer) -> None:
        await handing_over.alert_practice(
            session, tenant=timer.tenant, task_id=timer.key, now=timer.now, post=post, overdue=True
        )

    async def on_look_up_due(session: AsyncSession, timer: Timer) -> None:
        await reports.look_up(
            session, tenant=timer.tenant, message_id=timer.key, now=timer.now, carriers=resources.carriers
        )

    async def on_hour(session: AsyncSession, timer: Timer) -> None:
        await reconciling.reconcile(session, tenant=timer.tenant, now=timer.now, booking=resources.booking)

    return {
        repository.reconciling.RECONCILE: on_hour,
        repository.messages.SEND: on_message_due,
        repository.messages.LOOK_UP: on_look_up_due,
        repository.outreach.STEP: on_step_due,
        repository.tasks.ALERT: on_alert_due,
        repository.tasks.OVERDUE: on_overdue,
    }


def webhook_timers(resources: Resources) -> Mapping[str, Handler]:
    """Apart from the others: an app's server that hangs must not keep a reminder waiting."""

    async def on_delivery_due(session: AsyncSession, timer: Timer) -> None:
        await webhooks.attempt(
            session, tenant=timer.tenant, delivery_id=timer.key, now=timer.now, hooks=resources.hooks
        )

    return {repository.webhooks.DELIVER: on_delivery_due}
