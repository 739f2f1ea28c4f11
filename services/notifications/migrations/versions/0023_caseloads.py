"""Whose clients somebody is: a provider sees their own alone."""

from alembic import op

from shared.migrations import of_every_tenant, statements

revision = "0023_caseloads"
down_revision = "0022_refused"

# Of the others it is known with their next event.
KNOWN = """
    UPDATE visits SET provider_id = check_ins.provider_id FROM check_ins
        WHERE check_ins.tenant_id = visits.tenant_id AND check_ins.appointment_id = visits.id;
    UPDATE visits SET provider_id = tasks.provider_id FROM tasks
        WHERE tasks.tenant_id = visits.tenant_id AND tasks.appointment_id = visits.id
          AND visits.provider_id IS NULL AND tasks.provider_id IS NOT NULL;
"""


def upgrade() -> None:
    op.execute("ALTER TABLE visits ADD COLUMN provider_id uuid")
    for statement in statements(of_every_tenant(KNOWN, "visits", "check_ins", "tasks")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE visits DROP COLUMN provider_id")
