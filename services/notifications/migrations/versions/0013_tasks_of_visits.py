"""A task about a visit says which."""

from alembic import op

from shared.migrations import statements

revision = "0013_tasks_of_visits"
down_revision = "0012_reconciliations"

CHANGES = """
    ALTER TABLE tasks ADD COLUMN appointment_id uuid;
    COMMENT ON COLUMN tasks.appointment_id IS 'The visit that it is about';
    CREATE INDEX tasks_open_of_visit ON tasks (tenant_id, appointment_id)
        WHERE status <> 'closed' AND appointment_id IS NOT NULL;
"""


def upgrade() -> None:
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX tasks_open_of_visit")
    op.execute("ALTER TABLE tasks DROP COLUMN appointment_id")
