"""Several vendors for a channel, calls, and addresses at which nobody is reached."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0006_vendors"
down_revision = "0005_conditions"

CHANGES = """
    ALTER TABLE messages ADD COLUMN vendor text;
    COMMENT ON COLUMN messages.vendor IS 'Who carried it, or was the last to fail';
    CREATE TABLE hand_overs (
        tenant_id uuid NOT NULL,
        message_id uuid NOT NULL,
        channel text NOT NULL,
        vendor text NOT NULL,
        begun_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, message_id));
    COMMENT ON TABLE hand_overs IS
        'Messages of which a vendor has been asked and the outcome is not known; no other vendor may be asked';
    CREATE TABLE unreachable (
        tenant_id uuid NOT NULL,
        channel text NOT NULL,
        address text NOT NULL,
        reason text NOT NULL,
        at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, channel, address));
    COMMENT ON TABLE unreachable IS 'Addresses at which a carrier says that nobody is ever reached';
"""


def upgrade() -> None:
    for statement in statements(CHANGES, tenancy_v1("hand_overs"), tenancy_v1("unreachable")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE unreachable")
    op.execute("DROP TABLE hand_overs")
    op.execute("ALTER TABLE messages DROP COLUMN vendor")
