"""Texts that asked something, and what was answered."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.model import Question
from shared.rows import dump, every


async def ask(session: AsyncSession, tenant: UUID, question: Question) -> None:
    await session.execute(upsert(tables.questions).values(tenant_id=tenant, **dump(question)).on_conflict_do_nothing())


async def open_of(session: AsyncSession, phone: str, now: datetime) -> list[Question]:
    """What a number was asked and may still answer, the newest first; locked. What never arrived asks nothing."""
    columns, messages = tables.questions.c, tables.messages.c
    failed = exists().where(messages.id == columns.id, messages.status == "failed")
    query = select(tables.questions).where(
        columns.phone == phone, columns.answered_at.is_(None), columns.open_until > now, ~failed
    )
    return await every(session, Question, query.order_by(columns.asked_at.desc(), columns.id.desc()).with_for_update())


async def was_answered(session: AsyncSession, question: Question, since: datetime) -> str | None:
    """What the same number has answered to a later question since then, the last time."""
    columns = tables.questions.c
    query = select(columns.answer).where(
        columns.phone == question.phone, columns.asked_at >= question.asked_at, columns.answered_at > since
    )
    said: str | None = await session.scalar(query.order_by(columns.answered_at.desc()).limit(1))
    return said


async def answer(session: AsyncSession, question_id: UUID, answer: str, now: datetime) -> None:
    table = tables.questions
    await session.execute(update(table).where(table.c.id == question_id).values(answer=answer, answered_at=now))
