"""Slots that are kept for somebody who is about to book them."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0003_holds"
down_revision = "0002_groups_rooms_absences"

TABLES = """
    CREATE TABLE holds (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        provider_id uuid NOT NULL,
        schedule_id uuid NOT NULL,
        client_id uuid,
        room_id uuid,
        group_id uuid NOT NULL,
        seat integer NOT NULL,
        start timestamptz NOT NULL,
        "end" timestamptz NOT NULL,
        occupied_from timestamptz NOT NULL,
        occupied_to timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        held_by text NOT NULL,
        extended integer NOT NULL,
        sequence integer NOT NULL,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
        FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id)
    );
    COMMENT ON TABLE holds IS 'Slots that are kept for somebody; the row goes when the hold ends';
    CREATE INDEX holds_occupied ON holds (tenant_id, provider_id, occupied_to, occupied_from);
    CREATE INDEX holds_room ON holds (tenant_id, room_id, occupied_to, occupied_from) WHERE room_id IS NOT NULL;
    CREATE INDEX holds_of_client ON holds (tenant_id, client_id, "end", start) WHERE client_id IS NOT NULL;
"""


def upgrade() -> None:
    for statement in statements(TABLES, tenancy_v1("holds")):
        op.execute(statement)
