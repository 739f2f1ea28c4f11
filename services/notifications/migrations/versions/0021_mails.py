"""Whose address a mail comes from."""

from alembic import op

revision = "0021_mails"
down_revision = "0020_failures"


def upgrade() -> None:
    op.execute("CREATE INDEX contacts_email ON contacts (tenant_id, lower(email))")


def downgrade() -> None:
    op.execute("DROP INDEX contacts_email")
