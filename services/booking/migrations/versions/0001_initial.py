"""Clients, providers, schedules, appointments and their history."""

from alembic import op

from shared.migrations import INFRASTRUCTURE_V1, statements, tenancy_v1

revision = "0001_initial"
down_revision = None

TABLES = """
    CREATE EXTENSION IF NOT EXISTS btree_gist;

    CREATE TABLE clients (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        name text NOT NULL,
        registered_at timestamptz NOT NULL,
        sequence integer NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );

    CREATE TABLE providers (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE providers IS 'Nothing but a row to lock: one booking at a time per provider';

    CREATE TABLE schedules (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        provider_id uuid NOT NULL,
        appointment_type_id uuid NOT NULL,
        modality text NOT NULL,
        sequence integer NOT NULL,
        withdrawn_at timestamptz,
        rules jsonb NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE schedules IS 'Replica of the topic schedule.published';
    CREATE INDEX schedules_type ON schedules (tenant_id, appointment_type_id);

    CREATE TABLE appointments (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        provider_id uuid NOT NULL,
        schedule_id uuid NOT NULL,
        appointment_type_id uuid NOT NULL,
        location_id uuid NOT NULL,
        modality text NOT NULL,
        status text NOT NULL,
        start timestamptz NOT NULL,
        "end" timestamptz NOT NULL,
        occupied_from timestamptz NOT NULL,
        occupied_to timestamptz NOT NULL,
        grace interval NOT NULL,
        booked_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by text NOT NULL,
        sequence integer NOT NULL,
        reason_code text,
        rebooked_from uuid,
        traceparent text,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
        FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id),
        CONSTRAINT appointments_provider_once EXCLUDE USING gist
            (tenant_id WITH =, provider_id WITH =, tstzrange(occupied_from, occupied_to) WITH &&)
            WHERE (status NOT IN ('cancelled', 'entered-in-error')),
        CONSTRAINT appointments_client_once EXCLUDE USING gist
            (tenant_id WITH =, client_id WITH =, tstzrange(start, "end") WITH &&)
            WHERE (status NOT IN ('cancelled', 'entered-in-error'))
    );
    CREATE INDEX appointments_occupied ON appointments (tenant_id, provider_id, occupied_to, occupied_from)
        WHERE status NOT IN ('cancelled', 'entered-in-error');
    CREATE INDEX appointments_of_client ON appointments (tenant_id, client_id, "end", start)
        WHERE status NOT IN ('cancelled', 'entered-in-error');
    CREATE INDEX appointments_start ON appointments (tenant_id, start, id);
    CREATE INDEX appointments_client_start ON appointments (tenant_id, client_id, start, id);
    CREATE UNIQUE INDEX appointments_rebooked_from ON appointments (tenant_id, rebooked_from)
        WHERE rebooked_from IS NOT NULL AND status <> 'cancelled';

    CREATE TABLE appointment_history (
        tenant_id uuid NOT NULL,
        appointment_id uuid NOT NULL,
        sequence integer NOT NULL,
        status text NOT NULL,
        start timestamptz NOT NULL,
        at timestamptz NOT NULL,
        party text NOT NULL,
        subject text NOT NULL,
        reason_code text,
        PRIMARY KEY (tenant_id, appointment_id, sequence),
        FOREIGN KEY (tenant_id, appointment_id) REFERENCES appointments (tenant_id, id)
    );
"""


def upgrade() -> None:
    tenancy = [
        tenancy_v1(name) for name in ("clients", "providers", "schedules", "appointments", "appointment_history")
    ]
    for statement in statements(TABLES, *tenancy, *INFRASTRUCTURE_V1):
        op.execute(statement)
