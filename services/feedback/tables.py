"""Tables of feedback; `migrations/versions` creates them, and a test holds the two together."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.idempotency import idempotency_table
from shared.inbox import inbox_table
from shared.outbox import outbox_table
from shared.timers import timers_table

metadata = MetaData()

outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
timers = timers_table(metadata)
idempotency_keys = idempotency_table(metadata)

_TIME = DateTime(timezone=True)

visits = Table(
    "visits",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("modality", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("start", _TIME, nullable=False),
    Column("booked_at", _TIME, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("rebooked_from", Uuid),
    Column("traceparent", Text),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Replica of appointment.*: each client's attendance history",
)

outreach = Table(
    "outreach",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("held_out", Boolean, nullable=False),
    Column("barrier", Text),
    Column("end_reason", Text),
    Column("started_at", _TIME, nullable=False),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Replica of outreach.*",
)

requests = Table(
    "requests",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("requested_at", _TIME, nullable=False),
    Column("submitted_at", _TIME),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
)

responses = Table(
    "responses",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("request_id", Uuid, nullable=False),
    Column("answers", JSONB, nullable=False),
    Column("at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "request_id"),
    ForeignKeyConstraint(["tenant_id", "request_id"], ["requests.tenant_id", "requests.id"]),
)
