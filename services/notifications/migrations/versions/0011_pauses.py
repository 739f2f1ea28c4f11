"""A pause is lifted by a person, and stays on record."""

from alembic import op

from shared.migrations import of_every_tenant, statements

revision = "0011_pauses"
down_revision = "0010_secure_messages"

CHANGES = """
    ALTER TABLE pauses ADD COLUMN lifted_at timestamptz, ADD COLUMN lifted_by text;
"""


def upgrade() -> None:
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    for statement in statements(of_every_tenant("DELETE FROM pauses WHERE lifted_at IS NOT NULL;", "pauses")):
        op.execute(statement)
    op.execute("ALTER TABLE pauses DROP COLUMN lifted_at, DROP COLUMN lifted_by")
