"""Practices, providers, locations, appointment types, schedules and the projection of occupied times."""

from alembic import op

from shared.migrations import INFRASTRUCTURE_V1, statements, tenancy_v1

revision = "0001_initial"
down_revision = None

TABLES = """
    CREATE TABLE practices (
        tenant_id uuid NOT NULL PRIMARY KEY,
        name text NOT NULL,
        zone text NOT NULL
    );

    CREATE TABLE providers (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        name text NOT NULL,
        zone text NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    CREATE INDEX providers_created_at ON providers (tenant_id, created_at, id);

    CREATE TABLE locations (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        name text NOT NULL,
        zone text NOT NULL,
        modality text NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    CREATE INDEX locations_created_at ON locations (tenant_id, created_at, id);

    CREATE TABLE appointment_types (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        name text NOT NULL,
        duration interval NOT NULL,
        buffer_before interval NOT NULL,
        buffer_after interval NOT NULL,
        step interval NOT NULL,
        minimum_notice interval NOT NULL,
        horizon interval NOT NULL,
        grace interval NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    CREATE INDEX appointment_types_created_at ON appointment_types (tenant_id, created_at, id);

    CREATE TABLE schedules (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        provider_id uuid NOT NULL,
        appointment_type_id uuid NOT NULL,
        location_id uuid NOT NULL,
        modality text NOT NULL,
        zone text NOT NULL,
        windows jsonb NOT NULL,
        duration interval NOT NULL,
        buffer_before interval NOT NULL,
        buffer_after interval NOT NULL,
        step interval NOT NULL,
        minimum_notice interval NOT NULL,
        horizon interval NOT NULL,
        grace interval NOT NULL,
        sequence integer NOT NULL,
        created_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        withdrawn_at timestamptz,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id),
        FOREIGN KEY (tenant_id, appointment_type_id) REFERENCES appointment_types (tenant_id, id),
        FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id)
    );
    CREATE INDEX schedules_type ON schedules (tenant_id, appointment_type_id) WHERE withdrawn_at IS NULL;
    CREATE INDEX schedules_created_at ON schedules (tenant_id, created_at, id) WHERE withdrawn_at IS NULL;

    CREATE TABLE occupied (
        tenant_id uuid NOT NULL,
        appointment_id uuid NOT NULL,
        provider_id uuid NOT NULL,
        occupied_from timestamptz NOT NULL,
        occupied_to timestamptz NOT NULL,
        free boolean NOT NULL,
        sequence integer NOT NULL,
        PRIMARY KEY (tenant_id, appointment_id)
    );
    COMMENT ON TABLE occupied IS 'Projection of the topics appointment.*';
    CREATE INDEX occupied_times ON occupied (tenant_id, provider_id, occupied_to, occupied_from) WHERE NOT free;
"""


def upgrade() -> None:
    tenancy = [
        tenancy_v1(name)
        for name in ("practices", "providers", "locations", "appointment_types", "schedules", "occupied")
    ]
    for statement in statements(TABLES, *tenancy, *INFRASTRUCTURE_V1):
        op.execute(statement)
