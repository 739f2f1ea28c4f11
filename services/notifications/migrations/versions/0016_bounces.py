"""Where mails return that can't be delivered."""

from alembic import op

revision = "0016_bounces"
down_revision = "0015_gentle_flows"


def upgrade() -> None:
    op.execute("ALTER TABLE senders ADD COLUMN bounces_to text")


def downgrade() -> None:
    op.execute("ALTER TABLE senders DROP COLUMN bounces_to")
