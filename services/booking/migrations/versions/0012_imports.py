"""Visits from another system keep the name that they have there."""

from alembic import op

from shared.migrations import statements

revision = "0012_imports"
down_revision = "0011_calendars"

CHANGES = """
    ALTER TABLE appointments ADD COLUMN external_id text;
    COMMENT ON COLUMN appointments.external_id IS 'What the system calls it that it was imported from';
    CREATE UNIQUE INDEX appointments_external ON appointments (tenant_id, external_id)
        WHERE external_id IS NOT NULL AND status <> 'entered-in-error';
"""


def upgrade() -> None:
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE appointments DROP COLUMN external_id")
