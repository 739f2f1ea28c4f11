"""When a visit ends, for the calendar file that goes with its mails."""

from alembic import op

revision = "0004_invitations"
down_revision = "0003_offers"


def upgrade() -> None:
    op.execute('ALTER TABLE visits ADD COLUMN "end" timestamptz')


def downgrade() -> None:
    op.execute('ALTER TABLE visits DROP COLUMN "end"')
