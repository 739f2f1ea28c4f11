"""Private feeds, and how to meet by video."""

import secrets
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.booking import repository
from services.booking.domain import calendars, video
from services.booking.domain.appointments import Appointment
from services.booking.domain.calendars import Feed, Titles
from services.booking.domain.video import Door
from shared.contracts.booking import FREE_STATUSES
from shared.errors import not_found
from shared.telemetry import annotate, use_case


@use_case
async def open_feed(
    session: AsyncSession,
    *,
    tenant: UUID,
    provider_id: UUID | None,
    client_id: UUID | None,
    titles: Titles,
    subject: str,
    now: datetime,
) -> tuple[Feed, str]:
    """A new feed, and the secret of its address, which is told this once. Raises Problem `client_not_found`."""
    if client_id is not None:
        await repository.clients.get(session, client_id)
    secret = secrets.token_bytes(calendars.SECRET_BYTES)
    feed = Feed(
        id=uuid7(),
        provider_id=provider_id,
        client_id=client_id,
        titles=titles,
        token_hash=calendars.token_hash(secret),
        created_at=now,
        created_by=subject,
    )
    await repository.calendars.add(session, tenant, feed)
    annotate(calendar_id=feed.id)
    return feed, calendars.token(tenant, secret)


@use_case
async def revoke_feed(session: AsyncSession, *, feed_id: UUID, now: datetime) -> Feed:
    """The address opens nothing from now on. Raises Problem `calendar_not_found`."""
    feed = await repository.calendars.get(session, feed_id)
    await repository.calendars.revoke(session, feed_id, now)
    return replace(feed, revoked_at=feed.revoked_at or now)


@use_case
async def read_feed(session: AsyncSession, *, token_hash: bytes, now: datetime) -> tuple[Feed, list[Appointment]]:
    """Raises Problem `calendar_not_found`."""
    feed = await repository.calendars.by_token(session, token_hash)
    annotate(calendar_id=feed.id)
    return feed, await repository.calendars.visits(session, feed, now)


async def door_of(session: AsyncSession, visit: Appointment, key: str) -> Door | None:
    """Where a visit by video takes place; None for any other, for one that was called off, or without a template."""
    policy = await repository.policy.get(session)
    # Who comes late by video finds the door open, also after nobody let them in and they counted as missing.
    if visit.modality != "telehealth" or policy.video_link is None or visit.status in FREE_STATUSES:
        return None
    url = policy.video_link.replace(video.ROOM, video.room_of(visit.id, key))
    return Door(url, visit.start - video.OPENS_BEFORE, visit.end + video.CLOSES_AFTER)


@use_case
async def join(session: AsyncSession, *, visit: Appointment, key: str, now: datetime) -> Door:
    """Raises Problem `no_video` (404), `not_open_yet` (409) or `visit_over` (410)."""
    door = await door_of(session, visit, key)
    if door is None:
        raise not_found("video", "This visit is not by video, or the practice has set no address for it.")
    door.check_open(now)
    return door
