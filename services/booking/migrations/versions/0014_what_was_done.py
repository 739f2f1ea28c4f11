"""The history says what was done and where the visit then was; a client has one offer at a time."""

from alembic import op

from shared.migrations import of_every_tenant, statements

revision = "0014_what_was_done"
down_revision = "0013_terms"

WITHDRAWN = """
    UPDATE waitlist_offers later SET fate = 'withdrawn', decided_at = clock_timestamp(), sequence = later.sequence + 1
        FROM waitlist_offers first
        WHERE later.fate = 'open' AND first.fate = 'open' AND first.tenant_id = later.tenant_id
          AND first.client_id = later.client_id AND first.id < later.id;
"""
CHANGES = """
    ALTER TABLE appointment_history
        ADD COLUMN event text, ADD COLUMN provider_id uuid, ADD COLUMN schedule_id uuid,
        ADD COLUMN location_id uuid, ADD COLUMN modality text;
    DROP INDEX waitlist_offers_one_at_a_time;
    CREATE UNIQUE INDEX waitlist_offers_one_at_a_time ON waitlist_offers (tenant_id, client_id) WHERE fate = 'open';
    CREATE INDEX waitlist_offers_of_client ON waitlist_offers (tenant_id, client_id, opening_id);
"""
UNDONE = """
    DROP INDEX waitlist_offers_of_client;
    DROP INDEX waitlist_offers_one_at_a_time;
    CREATE UNIQUE INDEX waitlist_offers_one_at_a_time ON waitlist_offers (tenant_id, entry_id) WHERE fate = 'open';
    ALTER TABLE appointment_history
        DROP COLUMN event, DROP COLUMN provider_id, DROP COLUMN schedule_id,
        DROP COLUMN location_id, DROP COLUMN modality;
"""


def upgrade() -> None:
    for statement in statements(of_every_tenant(WITHDRAWN, "waitlist_offers"), CHANGES):
        op.execute(statement)


def downgrade() -> None:
    for statement in statements(UNDONE):
        op.execute(statement)
