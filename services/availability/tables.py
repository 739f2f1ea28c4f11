"""Availability's tables; `migrations/versions` creates them, and a test holds the two together."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Integer,
    Interval,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import UserDefinedType

from shared.idempotency import idempotency_table
from shared.inbox import inbox_table
from shared.outbox import outbox_table
from shared.timers import timers_table

metadata = MetaData()


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "XID8"


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
    Column("windows", JSONB, nullable=False),
    Column("new_client_windows", JSONB, nullable=False),
    Column("travels", JSONB, nullable=False),
    Column("most_per_day", Integer),
    Column("version", Integer, nullable=False),
    Column("absences_sequence", Integer, nullable=False),
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

rooms = Table(
    "rooms",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("location_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
)

holidays = Table(
    "holidays",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("name", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "day"),
)

overrides = Table(
    "overrides",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("windows", JSONB, nullable=False),
    Column("new_client_windows", JSONB, nullable=False),
    PrimaryKeyConstraint("tenant_id", "provider_id", "day"),
    ForeignKeyConstraint(["tenant_id", "provider_id"], ["providers.tenant_id", "providers.id"]),
)

time_off = Table(
    "time_off",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("begins_at", _TIME, nullable=False),
    Column("ends_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "provider_id"], ["providers.tenant_id", "providers.id"]),
)

calendars = Table(
    "calendars",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("refresh_every", Interval, nullable=False),
    Column("stale_after", Interval, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("checked_at", _TIME),
    Column("fetched_at", _TIME),
    Column("stale", Boolean, nullable=False),
    Column("error_code", Text),
    Column("error_line", Integer),
    Column("error_detail", Text),
    Column("busy", JSONB, nullable=False),
    Column("busy_until", _TIME),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "provider_id"], ["providers.tenant_id", "providers.id"]),
)

appointment_types = Table(
    "appointment_types",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("intake", Boolean, nullable=False),
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
    Column("windows", JSONB(none_as_null=True), comment="Null: open in the provider's hours"),
    Column("new_client_windows", JSONB, nullable=False),
    Column("overrides", JSONB, nullable=False),
    Column("room_ids", ARRAY(Uuid), nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("most_per_day", Integer),
    Column("duration", Interval, nullable=False),
    Column("buffer_before", Interval, nullable=False),
    Column("buffer_after", Interval, nullable=False),
    Column("step", Interval, nullable=False),
    Column("minimum_notice", Interval, nullable=False),
    Column("horizon", Interval, nullable=False),
    Column("grace", Interval, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("published", JSONB(none_as_null=True), comment="The newest schedule.published; search goes by it"),
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
    Column("id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("schedule_id", Uuid, nullable=False),
    Column("room_id", Uuid),
    Column("client_id", Uuid),
    Column("starts_at", _TIME, nullable=False),
    Column("ends_at", _TIME, nullable=False),
    Column("occupied_from", _TIME, nullable=False),
    Column("occupied_to", _TIME, nullable=False),
    Column("expires_at", _TIME, comment="Of a hold; null for a visit"),
    Column("free", Boolean, nullable=False),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Projection of the topics appointment.* and slot.*",
)

changes = Table(
    "changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("provider_id", Uuid, comment="Null: the practice as a whole"),
    Column("room_id", Uuid),
    Column("written_by", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("changed_at", _TIME, nullable=False, server_default=text("clock_timestamp()")),
    comment="What API processes must forget of their cache; kept for minutes",
)
