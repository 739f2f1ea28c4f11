"""Booking's tables; `migrations/versions` creates them, and a test holds the two together."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Time,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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
    Column("discharged_at", _TIME),
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
    Column("late_by", Interval),
    Column("series_id", Uuid),
    Column("external_id", Text, comment="What the system calls it that it was imported from"),
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
    Column("self_booking", Text, nullable=False),
    Column("video_link", Text),
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
    Column("terms", LargeBinary),
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
    Column("event", Text),
    Column("provider_id", Uuid),
    Column("schedule_id", Uuid),
    Column("location_id", Uuid),
    Column("modality", Text),
    PrimaryKeyConstraint("tenant_id", "appointment_id", "sequence"),
    ForeignKeyConstraint(["tenant_id", "appointment_id"], ["appointments.tenant_id", "appointments.id"]),
)

calendars = Table(
    "calendars",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("provider_id", Uuid),
    Column("client_id", Uuid),
    Column("titles", Text, nullable=False),
    Column(
        "token_hash",
        LargeBinary,
        nullable=False,
        comment="SHA-256 of the secret part of its address, which is kept nowhere",
    ),
    Column("created_at", _TIME, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", _TIME),
    PrimaryKeyConstraint("tenant_id", "id"),
)

waitlist_rules = Table(
    "waitlist_rules",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("at_once", Integer, nullable=False),
    Column("open_for", Interval, nullable=False),
    Column("cut_off", Interval, nullable=False),
    Column("earliest", Time, nullable=False),
    Column("latest", Time, nullable=False),
    Column("version", Integer, nullable=False),
    comment="How a practice offers freed times; without a row the defaults of the code",
)

waitlist_entries = Table(
    "waitlist_entries",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("appointment_type_id", Uuid, nullable=False),
    Column("provider_ids", ARRAY(Uuid), nullable=False),
    Column("location_ids", ARRAY(Uuid), nullable=False),
    Column("modality", Text),
    Column("zone", Text, nullable=False),
    Column("windows", JSONB, nullable=False),
    Column("first_day", Date),
    Column("last_day", Date),
    Column("swaps", Uuid),
    Column("status", Text, nullable=False),
    Column("joined_at", _TIME, nullable=False),
    Column("joined_by", Text, nullable=False),
    Column("appointment_id", Uuid),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "client_id"], ["clients.tenant_id", "clients.id"]),
)

waitlist_openings = Table(
    "waitlist_openings",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("spans", JSONB, nullable=False, comment="Seconds since 1970, in order"),
    Column("looks", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Freed times; the row goes when there is nobody left to offer them to",
)

waitlist_offers = Table(
    "waitlist_offers",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("entry_id", Uuid, nullable=False),
    Column("opening_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("schedule_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("modality", Text, nullable=False),
    Column("start", _TIME, nullable=False),
    Column("end", _TIME, nullable=False),
    Column("occupied_from", _TIME, nullable=False),
    Column("occupied_to", _TIME, nullable=False),
    Column("offered_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("fate", Text, nullable=False),
    Column("decided_at", _TIME),
    Column("appointment_id", Uuid),
    Column("traceparent", Text),
    Column("sequence", Integer, nullable=False),
    Column("terms", LargeBinary),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "entry_id"], ["waitlist_entries.tenant_id", "waitlist_entries.id"]),
)
