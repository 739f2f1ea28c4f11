"""Of several apps each has webhooks of its own; those from before are the practice's."""

from alembic import op

revision = "0024_owners"
down_revision = "0023_caseloads"


def upgrade() -> None:
    op.execute("ALTER TABLE webhooks ADD COLUMN owner text")


def downgrade() -> None:
    op.execute("ALTER TABLE webhooks DROP COLUMN owner")
