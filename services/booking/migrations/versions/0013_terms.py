"""A hold and an offer remember on what terms the time was offered."""

from alembic import op

from shared.migrations import statements

revision = "0013_terms"
down_revision = "0012_imports"

CHANGES = """
    ALTER TABLE holds ADD COLUMN terms bytea;
    ALTER TABLE waitlist_offers ADD COLUMN terms bytea;
    COMMENT ON COLUMN holds.terms IS 'With whom, of which type, where, how and how long: a mark, as in the slot id';
    COMMENT ON COLUMN waitlist_offers.terms IS 'As in holds';
"""


def upgrade() -> None:
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE holds DROP COLUMN terms")
    op.execute("ALTER TABLE waitlist_offers DROP COLUMN terms")
