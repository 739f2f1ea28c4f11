"""Senders, contacts, consent, plans, flows, visits, messages, decisions, outreach, inbound texts, tasks."""

from alembic import op

from shared.migrations import INFRASTRUCTURE_V1, statements, tenancy_v1

revision = "0001_initial"
down_revision = None

TABLES = """
    CREATE TABLE senders (
        tenant_id uuid PRIMARY KEY,
        name text NOT NULL,
        phone text NOT NULL,
        sms_from text NOT NULL,
        email_from text NOT NULL,
        alert_email text NOT NULL,
        opens time NOT NULL,
        closes time NOT NULL
    );

    CREATE TABLE contacts (
        tenant_id uuid NOT NULL,
        client_id uuid NOT NULL,
        email text,
        phone text,
        zone text,
        PRIMARY KEY (tenant_id, client_id)
    );
    CREATE INDEX contacts_phone ON contacts (tenant_id, phone);

    CREATE TABLE consents (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        channel text NOT NULL,
        address text NOT NULL,
        granted boolean NOT NULL,
        wording_version text NOT NULL,
        source text NOT NULL,
        actor text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE consents IS 'Every yes and no, for good; the newest per client, channel and address holds';
    CREATE INDEX consents_client ON consents (tenant_id, client_id, channel, address, at, id);

    CREATE TABLE suppressions (
        tenant_id uuid NOT NULL,
        phone text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, phone)
    );
    COMMENT ON TABLE suppressions IS 'Numbers that sent STOP';

    CREATE TABLE pauses (
        tenant_id uuid NOT NULL,
        client_id uuid NOT NULL,
        reason text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, client_id)
    );
    COMMENT ON TABLE pauses IS 'Clients whom a person looks after now, not this system';

    CREATE TABLE reminder_plans (
        tenant_id uuid NOT NULL,
        version integer NOT NULL,
        plan jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, version)
    );

    CREATE TABLE outreach_flows (
        tenant_id uuid NOT NULL,
        version integer NOT NULL,
        flow jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, version)
    );

    CREATE TABLE visits (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        status text NOT NULL,
        start timestamptz NOT NULL,
        booked_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        sequence integer NOT NULL,
        rebooked_from uuid,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE visits IS 'Replica of appointment.*';
    CREATE INDEX visits_client ON visits (tenant_id, client_id, start);

    CREATE TABLE messages (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        appointment_id uuid,
        appointment_sequence integer,
        outreach_id uuid,
        purpose text NOT NULL,
        step text NOT NULL,
        channels text[] NOT NULL,
        channel text NOT NULL,
        status text NOT NULL,
        due_at timestamptz NOT NULL,
        sequence integer NOT NULL,
        reason text,
        sent_at timestamptz,
        delivered_at timestamptz,
        carrier_id text,
        traceparent text,
        PRIMARY KEY (tenant_id, id)
    );
    CREATE UNIQUE INDEX messages_of_plan_once
        ON messages (tenant_id, appointment_id, appointment_sequence, step, (channels[1]))
        WHERE outreach_id IS NULL AND appointment_id IS NOT NULL;
    CREATE UNIQUE INDEX messages_of_outreach_once ON messages (tenant_id, outreach_id, step, (channels[1]))
        WHERE outreach_id IS NOT NULL;
    CREATE INDEX messages_client ON messages (tenant_id, client_id, due_at, id);

    CREATE TABLE decisions (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        message_id uuid,
        outreach_id uuid,
        purpose text NOT NULL,
        channel text,
        outcome text NOT NULL,
        reason text,
        until timestamptz,
        at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE decisions IS 'Why something was sent, put off or not sent; answers explain';
    CREATE INDEX decisions_client ON decisions (tenant_id, client_id, at, id);

    CREATE TABLE outreach (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        appointment_id uuid NOT NULL,
        flow_version integer NOT NULL,
        missed_at timestamptz NOT NULL,
        started_at timestamptz NOT NULL,
        status text NOT NULL,
        step integer NOT NULL,
        held_out boolean NOT NULL,
        barrier text,
        end_reason text,
        rebooked_appointment_id uuid,
        ended_at timestamptz,
        sequence integer NOT NULL,
        traceparent text,
        PRIMARY KEY (tenant_id, id),
        CONSTRAINT outreach_once_a_miss UNIQUE (tenant_id, appointment_id)
    );
    CREATE INDEX outreach_client ON outreach (tenant_id, client_id, started_at, id);

    CREATE TABLE inbound (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        carrier_id text NOT NULL,
        client_id uuid,
        meaning text NOT NULL,
        body text NOT NULL,
        received_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id),
        CONSTRAINT inbound_once UNIQUE (tenant_id, carrier_id)
    );
    COMMENT ON TABLE inbound IS 'Texts from clients; their words stay here';

    CREATE TABLE tasks (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        outreach_id uuid,
        kind text NOT NULL,
        opened_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    CREATE INDEX tasks_opened_at ON tasks (tenant_id, opened_at, id);
"""

NAMES = (
    "senders",
    "contacts",
    "consents",
    "suppressions",
    "pauses",
    "reminder_plans",
    "outreach_flows",
    "visits",
    "messages",
    "decisions",
    "outreach",
    "inbound",
    "tasks",
)


def upgrade() -> None:
    for statement in statements(TABLES, *(tenancy_v1(name) for name in NAMES), *INFRASTRUCTURE_V1):
        op.execute(statement)
