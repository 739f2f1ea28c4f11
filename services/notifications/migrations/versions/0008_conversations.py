"""Questions that a digit answers, and tasks that somebody takes and closes."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0008_conversations"
down_revision = "0007_languages"

CHANGES = """
    CREATE TABLE questions (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        phone text NOT NULL,
        client_id uuid NOT NULL,
        appointment_id uuid NOT NULL,
        start timestamptz NOT NULL,
        asked_at timestamptz NOT NULL,
        answer text,
        answered_at timestamptz,
        PRIMARY KEY (tenant_id, id));
    COMMENT ON TABLE questions IS 'Texts that asked something; a digit answers the newest open one of its number';
    CREATE INDEX questions_open ON questions (tenant_id, phone, asked_at) WHERE answered_at IS NULL;
    ALTER TABLE inbound ADD COLUMN phone text;
    ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE tasks ALTER COLUMN client_id DROP NOT NULL,
        ADD COLUMN due_at timestamptz, ADD COLUMN inbound_id uuid, ADD COLUMN status text NOT NULL DEFAULT 'open',
        ADD COLUMN owner text, ADD COLUMN outcome text, ADD COLUMN closed_at timestamptz,
        ADD COLUMN version integer NOT NULL DEFAULT 1;
    UPDATE tasks SET due_at = opened_at + interval '1 day';
    ALTER TABLE tasks ALTER COLUMN due_at SET NOT NULL, ALTER COLUMN status DROP DEFAULT,
        ALTER COLUMN version DROP DEFAULT;
    ALTER TABLE tasks FORCE ROW LEVEL SECURITY;
    CREATE INDEX tasks_open ON tasks (tenant_id, due_at) WHERE status <> 'closed';
"""


def upgrade() -> None:
    for statement in statements(CHANGES, tenancy_v1("questions")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE questions")
    op.execute("ALTER TABLE inbound DROP COLUMN phone")
    op.execute("DROP INDEX tasks_open")
    for column in ("due_at", "inbound_id", "status", "owner", "outcome", "closed_at", "version"):
        op.execute(f"ALTER TABLE tasks DROP COLUMN {column}")
