"""Visits, outreach, requests and responses."""

from alembic import op

from shared.migrations import INFRASTRUCTURE_V1, statements, tenancy_v1

revision = "0001_initial"
down_revision = None

TABLES = """
    CREATE TABLE visits (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        provider_id uuid NOT NULL,
        modality text NOT NULL,
        status text NOT NULL,
        start timestamptz NOT NULL,
        booked_at timestamptz NOT NULL,
        sequence integer NOT NULL,
        rebooked_from uuid,
        traceparent text,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE visits IS 'Replica of appointment.*: each client''s attendance history';
    CREATE INDEX visits_client ON visits (tenant_id, client_id, start, id);
    CREATE INDEX visits_start ON visits (tenant_id, start);

    CREATE TABLE outreach (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        appointment_id uuid NOT NULL,
        held_out boolean NOT NULL,
        barrier text,
        end_reason text,
        started_at timestamptz NOT NULL,
        sequence integer NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE outreach IS 'Replica of outreach.*';
    CREATE INDEX outreach_started_at ON outreach (tenant_id, started_at);

    CREATE TABLE requests (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        appointment_id uuid NOT NULL,
        instrument text NOT NULL,
        requested_at timestamptz NOT NULL,
        submitted_at timestamptz,
        sequence integer NOT NULL,
        PRIMARY KEY (tenant_id, id),
        CONSTRAINT requests_once UNIQUE (tenant_id, appointment_id, instrument)
    );
    CREATE INDEX requests_client ON requests (tenant_id, client_id, requested_at, id);

    CREATE TABLE responses (
        tenant_id uuid NOT NULL,
        request_id uuid NOT NULL,
        answers jsonb NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, request_id),
        FOREIGN KEY (tenant_id, request_id) REFERENCES requests (tenant_id, id)
    );
"""


def upgrade() -> None:
    tenancy = [tenancy_v1(name) for name in ("visits", "outreach", "requests", "responses")]
    for statement in statements(TABLES, *tenancy, *INFRASTRUCTURE_V1):
        op.execute(statement)
