"""What a client has written, by text and mail, is looked up by client."""

from alembic import op

revision = "0025_texts"
down_revision = "0024_owners"


def upgrade() -> None:
    op.execute("CREATE INDEX inbound_of_client ON inbound (tenant_id, client_id, received_at)")


def downgrade() -> None:
    op.execute("DROP INDEX inbound_of_client")
