"""From which number a vendor was asked, and with which words, by their hash: by them what it has taken is known."""

from alembic import op

revision = "0019_words_begun"
down_revision = "0018_missed_again"


def upgrade() -> None:
    op.execute("ALTER TABLE hand_overs ADD COLUMN sender text, ADD COLUMN digest text")


def downgrade() -> None:
    op.execute("ALTER TABLE hand_overs DROP COLUMN sender, DROP COLUMN digest")
