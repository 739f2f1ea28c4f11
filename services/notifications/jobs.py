"""Timed work of notifications: {kind of timer: handler} → use case."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.resources import Resources
from services.notifications.use_cases import outreach, sending
from shared.timers import Handler, Timer


def timers(resources: Resources) -> Mapping[str, Handler]:
    settings = resources.settings
    post = sending.Post(
        carriers=resources.carriers,
        booking=resources.booking,
        booking_url=settings.booking_public_url,
        feedback_url=settings.feedback_public_url,
        link_key=settings.link_signing_key,
        callback_base=settings.public_url,
    )

    async def on_message_due(session: AsyncSession, timer: Timer) -> None:
        await sending.send(session, tenant=timer.tenant, message_id=timer.key, now=timer.now, post=post)

    async def on_step_due(session: AsyncSession, timer: Timer) -> None:
        await outreach.take_step(session, tenant=timer.tenant, outreach_id=timer.key, now=timer.now)

    async def on_alert_due(session: AsyncSession, timer: Timer) -> None:
        await sending.alert_practice(session, task_id=timer.key, post=post)

    return {
        repository.messages.SEND: on_message_due,
        repository.outreach.STEP: on_step_due,
        repository.tasks.ALERT: on_alert_due,
    }
