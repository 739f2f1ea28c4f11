"""What clients do on pages: who may book there, and how late somebody says they will be."""

from alembic import op

from shared.migrations import statements

revision = "0009_pages"
down_revision = "0008_discharged"

CHANGES = """
    ALTER TABLE policies ADD COLUMN self_booking text NOT NULL DEFAULT 'off';
    ALTER TABLE policies ALTER COLUMN self_booking DROP DEFAULT;
    ALTER TABLE appointments ADD COLUMN late_by interval;
    CREATE INDEX holds_of_nobody ON holds (tenant_id, expires_at) WHERE client_id IS NULL;
"""


def upgrade() -> None:
    for statement in statements(CHANGES):
        op.execute(statement)
