"""Why somebody did something, in words."""

from alembic import op

revision = "0006_notes"
down_revision = "0005_policies"


def upgrade() -> None:
    op.execute("ALTER TABLE appointment_history ADD COLUMN note text")
