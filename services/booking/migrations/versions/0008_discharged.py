"""Clients who are in care no more."""

from alembic import op

revision = "0008_discharged"
down_revision = "0007_waitlist"


def upgrade() -> None:
    op.execute("ALTER TABLE clients ADD COLUMN discharged_at timestamptz")
