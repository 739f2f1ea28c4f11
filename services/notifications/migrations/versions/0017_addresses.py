"""To which address a message went, and under which a vendor was asked: a client's may be another one by then."""

from alembic import op

revision = "0017_addresses"
down_revision = "0016_bounces"


def upgrade() -> None:
    op.execute("ALTER TABLE messages ADD COLUMN address text")
    op.execute("ALTER TABLE hand_overs ADD COLUMN address text")


def downgrade() -> None:
    op.execute("ALTER TABLE messages DROP COLUMN address")
    op.execute("ALTER TABLE hand_overs DROP COLUMN address")
