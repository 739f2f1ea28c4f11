"""Freed times that clients on the waitlist are offered, and who is in care no more."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0003_offers"
down_revision = "0002_barriers"

TABLES = """
    CREATE TABLE offers (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        start timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        fate text NOT NULL,
        sequence integer NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE offers IS 'Replica of waitlist.offered and waitlist.offer_ended';
    CREATE TABLE clients (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        discharged boolean NOT NULL,
        sequence integer NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE clients IS 'Replica of client.registered and client.discharged';
    ALTER TABLE messages ADD COLUMN offer_id uuid;
    CREATE INDEX messages_of_offer ON messages (tenant_id, offer_id) WHERE offer_id IS NOT NULL;
"""


def upgrade() -> None:
    for statement in statements(TABLES, tenancy_v1("offers"), tenancy_v1("clients")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE messages DROP COLUMN offer_id")
    op.execute("DROP TABLE offers, clients")
