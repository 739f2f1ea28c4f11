"""Groups with seats, rooms, and visits whose provider will be away."""

from alembic import op

from shared.migrations import statements

revision = "0002_groups_rooms_absences"
down_revision = "0001_initial"

CHANGES = """
    ALTER TABLE providers
        ADD COLUMN absences jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN absences_sequence integer NOT NULL DEFAULT 0;
    COMMENT ON TABLE providers IS
        'A row to lock, one booking at a time per provider; and when the provider will be away';

    ALTER TABLE appointments
        ADD COLUMN room_id uuid,
        ADD COLUMN group_id uuid,
        ADD COLUMN seat integer NOT NULL DEFAULT 1,
        ADD COLUMN needs_rebooking boolean NOT NULL DEFAULT false;
    UPDATE appointments SET group_id = id;
    ALTER TABLE appointments ALTER COLUMN group_id SET NOT NULL;

    ALTER TABLE appointments
        DROP CONSTRAINT appointments_provider_once,
        ADD CONSTRAINT appointments_provider_once EXCLUDE USING gist
            (tenant_id WITH =, provider_id WITH =, tstzrange(occupied_from, occupied_to) WITH &&, group_id WITH <>)
            WHERE (status NOT IN ('cancelled', 'entered-in-error')),
        ADD CONSTRAINT appointments_room_once EXCLUDE USING gist
            (tenant_id WITH =, room_id WITH =, tstzrange(occupied_from, occupied_to) WITH &&, group_id WITH <>)
            WHERE (room_id IS NOT NULL AND status NOT IN ('cancelled', 'entered-in-error'));
    CREATE UNIQUE INDEX appointments_seat_once ON appointments (tenant_id, group_id, seat)
        WHERE status NOT IN ('cancelled', 'entered-in-error');
    CREATE INDEX appointments_room ON appointments (tenant_id, room_id, occupied_to, occupied_from)
        WHERE room_id IS NOT NULL AND status NOT IN ('cancelled', 'entered-in-error');
    CREATE INDEX appointments_needs_rebooking ON appointments (tenant_id, start, id) WHERE needs_rebooking;
"""


def upgrade() -> None:
    # As on every table here row-level security is forced: the owner too sees rows only where a policy lets it.
    op.execute("ALTER TABLE appointments NO FORCE ROW LEVEL SECURITY")
    for statement in statements(CHANGES):
        op.execute(statement)
    op.execute("ALTER TABLE appointments FORCE ROW LEVEL SECURITY")
