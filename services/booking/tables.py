"""Booking's tables; `migrations/versions` creates them, and a test holds the two together."""

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

clients = Table(
    "clients",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("registered_at", _TIME, nullable=False),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
)

providers = Table(
    "providers",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("absences", JSONB, nullable=False),
    Column("absences_sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="A row to lock, one booking at a time per provider; and when the provider will be away",
)

schedules = Table(
    "schedules",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("appointment_type_id", Uuid, nullable=False),
    Column("modality", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("withdrawn_at", _TIME),
    Column("rules", JSONB, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Replica of the topic schedule.published",
)

series = Table(
    "series",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("schedule_id", Uuid, nullable=False),
    Column("rrule", Text, nullable=False),
    Column("booked_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "client_id"], ["clients.tenant_id", "clients.id"]),
    comment="Visits that were booked together, and by which rule; each has a life of its own",
)

appointments = Table(
    "appointments",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("schedule_id", Uuid, nullable=False),
    Column("appointment_type_id", Uuid, nullable=False),
    Column("location_id", Uuid, nullable=False),
    Column("modality", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("start", _TIME, nullable=False),
    Column("end", _TIME, nullable=False),
    Column("occupied_from", _TIME, nullable=False),
    Column("occupied_to", _TIME, nullable=False),
    Column("grace", Interval, nullable=False),
    Column("booked_at", _TIME, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("reason_code", Text),
    Column("rebooked_from", Uuid),
    Column("traceparent", Text),
    Column("room_id", Uuid),
    Column("group_id", Uuid, nullable=False),
    Column("seat", Integer, nullable=False),
    Column("needs_rebooking", Boolean, nullable=False),
    Column("confirmed_at", _TIME),
    Column("late", Boolean, nullable=False),
    Column("series_id", Uuid),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "client_id"], ["clients.tenant_id", "clients.id"]),
    ForeignKeyConstraint(["tenant_id", "provider_id"], ["providers.tenant_id", "providers.id"]),
    ForeignKeyConstraint(["tenant_id", "series_id"], ["series.tenant_id", "series.id"]),
)

policies = Table(
    "policies",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("late_within", Interval, nullable=False),
    Column("version", Integer, nullable=False),
    comment="What a practice decides for itself; without a row the defaults of the code",
)

holds = Table(
    "holds",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("schedule_id", Uuid, nullable=False),
    Column("client_id", Uuid),
    Column("room_id", Uuid),
    Column("group_id", Uuid, nullable=False),
    Column("seat", Integer, nullable=False),
    Column("start", _TIME, nullable=False),
    Column("end", _TIME, nullable=False),
    Column("occupied_from", _TIME, nullable=False),
    Column("occupied_to", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("held_by", Text, nullable=False),
    Column("extended", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "client_id"], ["clients.tenant_id", "clients.id"]),
    ForeignKeyConstraint(["tenant_id", "provider_id"], ["providers.tenant_id", "providers.id"]),
    comment="Slots that are kept for somebody; the row goes when the hold ends",
)

history = Table(
    "appointment_history",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("start", _TIME, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("party", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason_code", Text),
    Column("note", Text),
    PrimaryKeyConstraint("tenant_id", "appointment_id", "sequence"),
    ForeignKeyConstraint(["tenant_id", "appointment_id"], ["appointments.tenant_id", "appointments.id"]),
)
