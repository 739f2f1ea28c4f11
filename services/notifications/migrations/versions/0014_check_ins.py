"""Check-ins between sessions: their plans, what was asked, what was answered."""

from alembic import op

from shared.migrations import of_every_tenant, statements, tenancy_v1

revision = "0014_check_ins"
down_revision = "0013_tasks_of_visits"

TABLES = """
    CREATE TABLE check_in_plans (
        tenant_id uuid NOT NULL,
        version integer NOT NULL,
        plan jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, version));
    CREATE TABLE check_ins (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        appointment_id uuid NOT NULL,
        provider_id uuid NOT NULL,
        number integer NOT NULL,
        plan_version integer NOT NULL,
        due_at timestamptz NOT NULL,
        answer text,
        answered_at timestamptz,
        task_id uuid,
        PRIMARY KEY (tenant_id, id),
        CONSTRAINT check_in_once UNIQUE (tenant_id, appointment_id, number));
    COMMENT ON TABLE check_ins IS 'Questions between sessions how a client is; the id is that of the message that asks';
    CREATE INDEX check_ins_newest ON check_ins (tenant_id, due_at DESC, id DESC);
    CREATE INDEX check_ins_of_client ON check_ins (tenant_id, client_id, due_at DESC, id DESC);
    CREATE INDEX check_ins_of_task ON check_ins (tenant_id, task_id) WHERE task_id IS NOT NULL;
    CREATE INDEX messages_checking_in ON messages (tenant_id, client_id)
        WHERE status = 'planned' AND purpose = 'check_in';
    ALTER TABLE questions ADD COLUMN kind text NOT NULL DEFAULT 'visit', ADD COLUMN open_until timestamptz;
    ALTER TABLE questions ALTER COLUMN kind DROP DEFAULT, ALTER COLUMN start DROP NOT NULL;
"""
OPEN = "UPDATE questions SET open_until = start;"
CLOSED = "ALTER TABLE questions ALTER COLUMN open_until SET NOT NULL;"


def upgrade() -> None:
    parts = (TABLES, tenancy_v1("check_in_plans"), tenancy_v1("check_ins"), of_every_tenant(OPEN, "questions"), CLOSED)
    for statement in statements(*parts):
        op.execute(statement)


def downgrade() -> None:
    for statement in statements(of_every_tenant("DELETE FROM questions WHERE kind = 'check_in';", "questions")):
        op.execute(statement)
    op.execute("ALTER TABLE questions DROP COLUMN kind, DROP COLUMN open_until, ALTER COLUMN start SET NOT NULL")
    op.execute("DROP INDEX messages_checking_in")
    op.execute("DROP TABLE check_ins, check_in_plans")
