"""What others write: a booking as two inserts (exclusion constraint and outbox), in four ways, and nothing else."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI, Request
from pydantic import BaseModel
from sqlalchemy import BigInteger, Column, DateTime, Identity, LargeBinary, MetaData, Table, Uuid, insert
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

URL = os.environ.get("BENCH_DATABASE_URL", "")
HOUR = timedelta(hours=1)
SCHEMA = """
    CREATE EXTENSION IF NOT EXISTS btree_gist;
    DROP TABLE IF EXISTS visits, messages;
    CREATE TABLE visits (
        id uuid PRIMARY KEY, provider_id uuid NOT NULL, begins timestamptz NOT NULL, ends timestamptz NOT NULL,
        EXCLUDE USING gist (provider_id WITH =, tstzrange(begins, ends) WITH &&)
    );
    CREATE TABLE messages (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, visit_id uuid NOT NULL, payload bytea);
"""
VISIT = "INSERT INTO visits (id, provider_id, begins, ends) VALUES ($1, $2, $3, $4)"
MESSAGE = "INSERT INTO messages (visit_id, payload) VALUES ($1, $5)"
BOTH = f"WITH visit AS ({VISIT} RETURNING id) {MESSAGE.replace('VALUES ($1, $5)', 'SELECT id, $5 FROM visit')}"

metadata = MetaData()
visits = Table(
    "visits",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider_id", Uuid),
    Column("begins", DateTime(timezone=True)),
    Column("ends", DateTime(timezone=True)),
)
messages = Table(
    "messages",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("visit_id", Uuid),
    Column("payload", LargeBinary),
)


class Base(DeclarativeBase):
    pass


class Visit(Base):
    __tablename__ = "visits"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider_id: Mapped[UUID]
    begins: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Message(Base):
    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    visit_id: Mapped[UUID]
    payload: Mapped[bytes] = mapped_column(LargeBinary)


class Wish(BaseModel):
    """Hour `number` of a provider."""

    provider_id: UUID
    number: int

    def row(self) -> dict[str, Any]:
        begins = datetime(2030, 1, 1, tzinfo=UTC) + HOUR * self.number
        return {"id": uuid4(), "provider_id": self.provider_id, "begins": begins, "ends": begins + HOUR}


def payload(row: dict[str, Any]) -> bytes:
    return json.dumps({name: str(value) for name, value in row.items()}).encode()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(URL, min_size=10, max_size=10)
    app.state.engine = create_async_engine(URL.replace("postgresql://", "postgresql+asyncpg://"), pool_size=10)
    yield
    await app.state.pool.close()
    await app.state.engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/asyncpg", status_code=201)
async def with_asyncpg(request: Request, wish: Wish) -> dict[str, Any]:
    row = wish.row()
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        await connection.execute(VISIT, *row.values())
        await connection.execute(MESSAGE.replace("$5", "$2"), row["id"], payload(row))
    return row


@app.post("/cte", status_code=201)
async def with_one_statement(request: Request, wish: Wish) -> dict[str, Any]:
    row = wish.row()
    async with request.app.state.pool.acquire() as connection:
        await connection.execute(BOTH, *row.values(), payload(row))
    return row


@app.post("/core", status_code=201)
async def with_core(request: Request, wish: Wish) -> dict[str, Any]:
    row = wish.row()
    async with request.app.state.engine.begin() as connection:
        await connection.execute(insert(visits).values(row))
        await connection.execute(insert(messages).values(visit_id=row["id"], payload=payload(row)))
    return row


@app.post("/orm", status_code=201)
async def with_orm(request: Request, wish: Wish) -> dict[str, Any]:
    row = wish.row()
    async with AsyncSession(request.app.state.engine) as session, session.begin():
        session.add(Visit(**row))
        await session.flush()
        session.add(Message(visit_id=row["id"], payload=payload(row)))
    return row
