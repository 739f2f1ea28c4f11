"""Hourly, what should have gone out is held against what went."""

from alembic import op

from shared.migrations import of_every_tenant, statements, tenancy_v1

revision = "0012_reconciliations"
down_revision = "0011_pauses"

CHANGES = """
    CREATE TABLE reconciliations (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        at timestamptz NOT NULL,
        expected integer NOT NULL,
        sent integer NOT NULL,
        failed integer NOT NULL,
        not_sent integer NOT NULL,
        waiting integer NOT NULL,
        overdue integer NOT NULL,
        unheard uuid[] NOT NULL,
        unplanned integer NOT NULL,
        alarm boolean NOT NULL,
        PRIMARY KEY (tenant_id, id));
    COMMENT ON TABLE reconciliations IS 'Hourly: what should have gone out, and what became of it';
    CREATE INDEX reconciliations_by_time ON reconciliations (tenant_id, at);
    CREATE INDEX messages_by_due ON messages (tenant_id, due_at);
"""
WATCHED = """
    INSERT INTO timers (tenant_id, kind, key, due_at)
        SELECT tenant_id, 'reconcile', tenant_id, clock_timestamp() FROM senders;
"""


def upgrade() -> None:
    for statement in statements(CHANGES, tenancy_v1("reconciliations"), of_every_tenant(WATCHED, "senders", "timers")):
        op.execute(statement)


def downgrade() -> None:
    for statement in statements(of_every_tenant("DELETE FROM timers WHERE kind = 'reconcile';", "timers")):
        op.execute(statement)
    op.execute("DROP INDEX messages_by_due")
    op.execute("DROP TABLE reconciliations")
