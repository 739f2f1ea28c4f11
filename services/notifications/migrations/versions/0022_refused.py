"""An hour in which carriers refuse what they are given is an alarm."""

from alembic import op

revision = "0022_refused"
down_revision = "0021_mails"


def upgrade() -> None:
    op.execute("ALTER TABLE reconciliations ADD COLUMN refused integer NOT NULL DEFAULT 0")


def downgrade() -> None:
    op.execute("ALTER TABLE reconciliations DROP COLUMN refused")
