"""Visits that their client has confirmed."""

from alembic import op

revision = "0004_confirmed"
down_revision = "0003_holds"


def upgrade() -> None:
    op.execute("ALTER TABLE appointments ADD COLUMN confirmed_at timestamptz")
