"""Messages that stay in the house."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications.domain.secure import ANSWERED, Author, Conversation, SecureMessage, Written
from services.notifications.repository.visits import in_caseload
from services.notifications.tables import contacts, inbound, secure_messages, tasks
from services.notifications.tables import messages as notices
from shared.paging import Position
from shared.rows import dump, every


async def add(session: AsyncSession, tenant: UUID, message: SecureMessage) -> None:
    await session.execute(insert(secure_messages).values(tenant_id=tenant, **dump(message)))


async def page(session: AsyncSession, client_id: UUID, after: Position | None, limit: int) -> list[SecureMessage]:
    """What was written to and by a client, the newest first."""
    columns = secure_messages.c
    query = select(secure_messages).where(columns.client_id == client_id)
    if after is not None:
        query = query.where(tuple_(columns.written_at, columns.id) < after)
    return await every(
        session, SecureMessage, query.order_by(columns.written_at.desc(), columns.id.desc()).limit(limit)
    )


async def written(session: AsyncSession, client_id: UUID, most: int) -> list[Written]:
    """What was written to and by a client on the page, by text and by mail, the newest first."""
    page, texts = secure_messages.c, inbound.c
    by_page = select(
        page.written_at.label("at"), page.author, literal("page").label("by"), page.body, page.kind, page.read_at
    ).where(page.client_id == client_id)
    by = case((texts.phone.is_(None), "mail"), else_="text")
    otherwise = select(
        texts.received_at, literal("client"), by, texts.body, literal("message"), cast(null(), page.read_at.type)
    ).where(texts.client_id == client_id)
    both = union_all(by_page, otherwise).subquery()
    return await every(session, Written, select(both).order_by(both.c.at.desc()).limit(most))


async def of_task(session: AsyncSession, task_id: UUID) -> list[SecureMessage]:
    """What a task is about, in order."""
    columns = secure_messages.c
    query = select(secure_messages).where(columns.task_id == task_id).order_by(columns.written_at, columns.id)
    return await every(session, SecureMessage, query)


async def unread(session: AsyncSession, client_id: UUID, author: Author) -> int:
    """How many messages of one side the other has not read."""
    columns = secure_messages.c
    query = select(func.count()).where(
        columns.client_id == client_id, columns.author == author, columns.read_at.is_(None)
    )
    return int(await session.scalar(query) or 0)


async def is_told(session: AsyncSession, client_id: UUID, since: datetime) -> bool:
    """Whether a client knows, or is about to hear, of something of the practice that they have not read, written since
    then and since they wrote themselves.
    """
    columns, messages = secure_messages.c, notices.c
    notice = exists().where(
        messages.client_id == client_id,
        messages.step == func.concat("secure.", columns.id.cast(Text)),
        or_(
            messages.status == "planned",
            # Nobody reads what went where the client is no more.
            and_(
                messages.status.in_(("sent", "delivered")),
                exists().where(
                    contacts.c.client_id == client_id, messages.address.in_((contacts.c.email, contacts.c.phone))
                ),
            ),
        ),
    )
    own = secure_messages.alias()
    answered = exists().where(
        own.c.client_id == client_id, own.c.author == "client", own.c.written_at > columns.written_at
    )
    query = select(notice).where(
        columns.client_id == client_id,
        columns.author == "practice",
        columns.read_at.is_(None),
        columns.written_at > since,
        ~answered,
        notice,
    )
    return await session.scalar(query.limit(1)) is not None


async def mark_read(session: AsyncSession, client_id: UUID, author: Author, now: datetime) -> int:
    """Returns how many there were."""
    columns = secure_messages.c
    statement = (
        update(secure_messages)
        .where(columns.client_id == client_id, columns.author == author, columns.read_at.is_(None))
        .values(read_at=now)
        .returning(columns.id)
    )
    return len((await session.scalars(statement)).all())


async def mark_read_of_task(session: AsyncSession, task_id: UUID, now: datetime) -> None:
    """What a client wrote that a task is about."""
    columns = secure_messages.c
    statement = update(secure_messages).where(columns.task_id == task_id, columns.read_at.is_(None))
    await session.execute(statement.values(read_at=now))


async def called(session: AsyncSession, messages: Iterable[SecureMessage]) -> dict[UUID | None, datetime]:
    """When the client was reached by call about what they wrote, by the task that it had become."""
    asked = {message.task_id for message in messages if message.task_id is not None}
    columns = tasks.c
    query = select(columns.id, columns.closed_at).where(columns.id.in_(asked), columns.outcome == "reached")
    return {row.id: row.closed_at for row in await session.execute(query)} if asked else {}


async def conversations(
    session: AsyncSession, after: Position | None, limit: int, caseload: UUID | None = None
) -> list[Conversation]:
    """One a client, whoever wrote last before the others, on the page, by text or mail; by default of all clients."""
    written, texts = secure_messages.c, inbound.c
    unread = case((written.author == "client", written.read_at.is_(None)), else_=false()).label("unread")
    each = union_all(
        select(written.tenant_id, written.client_id, written.written_at.label("at"), unread),
        select(texts.tenant_id, texts.client_id, texts.received_at, false()).where(texts.client_id.is_not(None)),
    ).subquery()
    columns = each.c
    due = (
        select(func.min(tasks.c.due_at))
        .where(
            tasks.c.tenant_id == columns.tenant_id,
            tasks.c.client_id == columns.client_id,
            tasks.c.kind.in_(ANSWERED),
            tasks.c.status != "closed",
        )
        .correlate(each)
        .scalar_subquery()
    )
    last, unread_ones = func.max(columns.at), func.count().filter(columns.unread)
    query = select(columns.client_id, last.label("last_at"), unread_ones.label("unread"), due.label("due_at"))
    query = query.group_by(columns.tenant_id, columns.client_id)
    if caseload is not None:
        query = query.where(in_caseload(columns.client_id, caseload))
    if after is not None:
        query = query.having(tuple_(last, columns.client_id) < after)
    return await every(session, Conversation, query.order_by(last.desc(), columns.client_id.desc()).limit(limit))
