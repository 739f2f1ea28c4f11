"""Outreach to whoever doesn't come back, beside that after a miss."""

from alembic import op

from shared.migrations import statements

revision = "0015_gentle_flows"
down_revision = "0014_check_ins"

CHANGES = """
    ALTER TABLE outreach ADD COLUMN trigger text NOT NULL DEFAULT 'missed';
    ALTER TABLE outreach ALTER COLUMN trigger DROP DEFAULT;
    ALTER TABLE outreach DROP CONSTRAINT outreach_once_a_miss;
    ALTER TABLE outreach ADD CONSTRAINT outreach_once UNIQUE (tenant_id, appointment_id, trigger);
"""


def upgrade() -> None:
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE outreach DROP CONSTRAINT outreach_once")
    op.execute("ALTER TABLE outreach DROP COLUMN trigger")
    op.execute("ALTER TABLE outreach ADD CONSTRAINT outreach_once_a_miss UNIQUE (tenant_id, appointment_id)")
