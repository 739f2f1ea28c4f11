"""Messages that stay in the house, and who answers what worries a client."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0010_secure_messages"
down_revision = "0009_webhooks"

TABLES = """
    ALTER TABLE senders ADD COLUMN concerns_owner text;
    CREATE TABLE secure_messages (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        author text NOT NULL,
        written_by text NOT NULL,
        kind text NOT NULL,
        body text NOT NULL,
        written_at timestamptz NOT NULL,
        task_id uuid,
        read_at timestamptz,
        PRIMARY KEY (tenant_id, id));
    COMMENT ON TABLE secure_messages IS 'What client and practice write to each other; the words stay here';
    CREATE INDEX secure_messages_of_client ON secure_messages (tenant_id, client_id, written_at, id);
    CREATE INDEX secure_messages_of_task ON secure_messages (tenant_id, task_id) WHERE task_id IS NOT NULL;
    CREATE INDEX tasks_of_client ON tasks (tenant_id, client_id) WHERE status <> 'closed';
"""


def upgrade() -> None:
    for statement in statements(TABLES, tenancy_v1("secure_messages")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX tasks_of_client")
    op.execute("DROP TABLE secure_messages")
    op.execute("ALTER TABLE senders DROP COLUMN concerns_owner")
