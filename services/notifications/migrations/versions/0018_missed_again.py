"""A visit that was missed, said not to be, and missed after all, is a second miss: outreach starts again."""

from alembic import op

from shared.migrations import of_every_tenant, statements

revision = "0018_missed_again"
down_revision = "0017_addresses"

CHANGES = """
    ALTER TABLE outreach DROP CONSTRAINT outreach_once;
    CREATE UNIQUE INDEX outreach_once_a_miss ON outreach (tenant_id, appointment_id, missed_at)
        WHERE trigger = 'missed';
    CREATE UNIQUE INDEX outreach_once_a_visit ON outreach (tenant_id, appointment_id, trigger)
        WHERE trigger <> 'missed';
"""


_THE_LAST_ONE = """
    DELETE FROM outreach AS first USING outreach AS later
        WHERE later.tenant_id = first.tenant_id AND later.appointment_id = first.appointment_id
        AND later.trigger = first.trigger AND later.id > first.id
"""


def upgrade() -> None:
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    for statement in statements(of_every_tenant(_THE_LAST_ONE + ";\n", "outreach")):
        op.execute(statement)
    op.execute("DROP INDEX outreach_once_a_miss")
    op.execute("DROP INDEX outreach_once_a_visit")
    op.execute("ALTER TABLE outreach ADD CONSTRAINT outreach_once UNIQUE (tenant_id, appointment_id, trigger)")
