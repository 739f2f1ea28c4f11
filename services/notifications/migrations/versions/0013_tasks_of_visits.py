"""A task about a visit says which; practices from before 0012 are reconciled, too."""

from alembic import op

from shared.migrations import of_every_tenant, statements

revision = "0013_tasks_of_visits"
down_revision = "0012_reconciliations"

CHANGES = """
    ALTER TABLE tasks ADD COLUMN appointment_id uuid, ADD COLUMN provider_id uuid;
    COMMENT ON COLUMN tasks.appointment_id IS 'The visit that it is about';
    COMMENT ON COLUMN tasks.provider_id IS 'Whom it is for, where that is one provider';
    CREATE INDEX tasks_open_of_visit ON tasks (tenant_id, appointment_id)
        WHERE status <> 'closed' AND appointment_id IS NOT NULL;
"""
WATCHED = """
    INSERT INTO timers (tenant_id, kind, key, due_at)
        SELECT tenant_id, 'reconcile', tenant_id, clock_timestamp() FROM senders ON CONFLICT DO NOTHING;
"""


def upgrade() -> None:
    for statement in statements(CHANGES, of_every_tenant(WATCHED, "senders", "timers")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX tasks_open_of_visit")
    op.execute("ALTER TABLE tasks DROP COLUMN appointment_id, DROP COLUMN provider_id")
