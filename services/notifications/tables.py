"""Tables of notifications; `migrations/versions` creates them, and a test holds the two together."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Time,
    Uuid,
    text,
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

senders = Table(
    "senders",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("sms_from", Text, nullable=False),
    Column("email_from", Text, nullable=False),
    Column("alert_email", Text, nullable=False),
    Column("opens", Time, nullable=False),
    Column("closes", Time, nullable=False),
    Column("language", Text, nullable=False),
    Column("concerns_owner", Text),
    Column("bounces_to", Text),
)

preferences = Table(
    "preferences",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("channels", ARRAY(Text), nullable=False),
    Column("language", Text),
    Column("opens", Time),
    Column("closes", Time),
    PrimaryKeyConstraint("tenant_id", "client_id"),
    comment="What clients wish; it goes before what plans and flows say",
)

templates = Table(
    "templates",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "purpose", "channel", "language"),
    comment="A practice's own words in place of the default ones",
)

contacts = Table(
    "contacts",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("zone", Text),
    PrimaryKeyConstraint("tenant_id", "client_id"),
)

consents = Table(
    "consents",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("wording_version", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Every yes and no, for good; the newest per client, channel and address holds",
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("phone", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "phone"),
    comment="Numbers that sent STOP",
)

pauses = Table(
    "pauses",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("lifted_at", _TIME),
    Column("lifted_by", Text),
    PrimaryKeyConstraint("tenant_id", "client_id"),
    comment="Clients whom a person looks after now, not this system",
)

reminder_plans = Table(
    "reminder_plans",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("plan", JSONB, nullable=False),
    Column("created_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "version"),
)

outreach_flows = Table(
    "outreach_flows",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("flow", JSONB, nullable=False),
    Column("created_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "version"),
)

check_in_plans = Table(
    "check_in_plans",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("plan", JSONB, nullable=False),
    Column("created_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "version"),
)

check_ins = Table(
    "check_ins",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("due_at", _TIME, nullable=False),
    Column("answer", Text),
    Column("answered_at", _TIME),
    Column("task_id", Uuid),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Questions between sessions how a client is; the id is that of the message that asks",
)

visits = Table(
    "visits",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("start", _TIME, nullable=False),
    Column("booked_at", _TIME, nullable=False),
    Column("changed_at", _TIME, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("rebooked_from", Uuid),
    Column("end", _TIME),
    Column("modality", Text),
    Column("confirmed_at", _TIME),
    Column("changed_by", Text),
    Column("provider_id", Uuid),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Replica of appointment.*",
)

clients = Table(
    "clients",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("discharged", Boolean, nullable=False),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Replica of client.registered and client.discharged",
)

offers = Table(
    "offers",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("start", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("fate", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Replica of waitlist.offered and waitlist.offer_ended",
)

messages = Table(
    "messages",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("appointment_id", Uuid),
    Column("appointment_sequence", Integer),
    Column("outreach_id", Uuid),
    Column("offer_id", Uuid),
    Column("purpose", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("channels", ARRAY(Text), nullable=False),
    Column("channel", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("due_at", _TIME, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("reason", Text),
    Column("sent_at", _TIME),
    Column("delivered_at", _TIME),
    Column("carrier_id", Text),
    Column("traceparent", Text),
    Column("plan_version", Integer),
    Column("vendor", Text),
    Column("address", Text),
    PrimaryKeyConstraint("tenant_id", "id"),
)

hand_overs = Table(
    "hand_overs",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("begun_at", _TIME, nullable=False),
    Column("address", Text),
    Column("sender", Text),
    Column("digest", Text),
    PrimaryKeyConstraint("tenant_id", "message_id"),
    comment="Messages of which a vendor has been asked and the outcome is not known; no other vendor may be asked",
)

unreachable = Table(
    "unreachable",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "channel", "address"),
    comment="Addresses at which a carrier says that nobody is ever reached",
)

decisions = Table(
    "decisions",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("message_id", Uuid),
    Column("outreach_id", Uuid),
    Column("purpose", Text, nullable=False),
    Column("channel", Text),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("until", _TIME),
    Column("at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Why something was sent, put off or not sent; answers explain",
)

questions = Table(
    "questions",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("phone", Text, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("start", _TIME),
    Column("asked_at", _TIME, nullable=False),
    Column("answer", Text),
    Column("answered_at", _TIME),
    Column("kind", Text, nullable=False),
    Column("open_until", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Texts that asked something; a digit answers the newest open one of its number",
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("url", Text, nullable=False),
    Column("event_types", ARRAY(Text), nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text),
    Column("old_secret_until", _TIME),
    Column("disabled_because", Text),
    Column("created_at", _TIME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("owner", Text),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Where third-party apps want to hear of events",
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("webhook_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("answer", Text),
    Column("created_at", _TIME, nullable=False),
    Column("tried_at", _TIME),
    Column("next_at", _TIME),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Events for third-party apps: pending, delivered or given up (dead)",
)

barriers = Table(
    "barriers",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("barrier", Text, nullable=False),
    Column("reported_at", _TIME, nullable=False),
    PrimaryKeyConstraint("tenant_id", "appointment_id"),
    comment="The first answer for each visit, as a code",
)

outreach = Table(
    "outreach",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("appointment_id", Uuid, nullable=False),
    Column("flow_version", Integer, nullable=False),
    Column("missed_at", _TIME, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("status", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("held_out", Boolean, nullable=False),
    Column("barrier", Text),
    Column("end_reason", Text),
    Column("rebooked_appointment_id", Uuid),
    Column("ended_at", _TIME),
    Column("sequence", Integer, nullable=False),
    Column("traceparent", Text),
    Column("trigger", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
)

inbound = Table(
    "inbound",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("carrier_id", Text, nullable=False),
    Column("client_id", Uuid),
    Column("meaning", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", _TIME, nullable=False),
    Column("phone", Text),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Texts from clients; their words stay here",
)

tasks = Table(
    "tasks",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid),
    Column("outreach_id", Uuid),
    Column("kind", Text, nullable=False),
    Column("opened_at", _TIME, nullable=False),
    Column("due_at", _TIME, nullable=False),
    Column("inbound_id", Uuid),
    Column("appointment_id", Uuid),
    Column("provider_id", Uuid),
    Column("status", Text, nullable=False),
    Column("owner", Text),
    Column("outcome", Text),
    Column("closed_at", _TIME),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
)

secure_messages = Table(
    "secure_messages",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("author", Text, nullable=False),
    Column("written_by", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("written_at", _TIME, nullable=False),
    Column("task_id", Uuid),
    Column("read_at", _TIME),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="What client and practice write to each other; the words stay here",
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("expected", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("not_sent", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("overdue", Integer, nullable=False),
    Column("unheard", ARRAY(Uuid), nullable=False),
    Column("unplanned", Integer, nullable=False),
    Column("alarm", Boolean, nullable=False),
    Column("refused", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("tenant_id", "id"),
    comment="Hourly: what should have gone out, and what became of it",
)
