"""Availability's tables; `migrations/versions` creates them, and a test holds the two together."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    Interval,
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

practices = Table(
    "practices",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id"),
)

providers = Table(
    "providers",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
)

locations = Table(
    "locations",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("modality", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
)

appointment_types = Table(
    "appointment_types",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("duration", Interval, nullable=False),
    Column("buffer_before", Interval, nullable=False),
    Column("buffer_after", Interval, nullable=False),
    Column("step", Interval, nullable=False),
    Column("minimum_notice", Interval, nullable=False),
    Column("horizon", Interval, nullable=False),
    Column("grace", Interval, nullable=False),
    Column("created_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("appointment_type_id", Uuid, nullable=False),
    Column("location_id", Uuid, nullable=False),
    Column("modality", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("windows", JSONB, nullable=False),
    Column("duration", Interval, nullable=False),
    Column("buffer_before", Interval, nullable=False),
    Column("buffer_after", Interval, nullable=False),
    Column("step", Interval, nullable=False),
    Column("minimum_notice", Interval, nullable=False),
    Column("horizon", Interval, nullable=False),
    Column("grace", Interval, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    Column("withdrawn_at", _TIME),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "provider_id"], ["providers.tenant_id", "providers.id"]),
    ForeignKeyConstraint(["tenant_id", "appointment_type_id"], ["appointment_types.tenant_id", "appointment_types.id"]),
    ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
)

occupied = Table(
    "occupied",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("occupied_from", _TIME, nullable=False),
    Column("occupied_to", _TIME, nullable=False),
    Column("free", Boolean, nullable=False),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "appointment_id"),
    comment="Projection of the topics appointment.*",
)
