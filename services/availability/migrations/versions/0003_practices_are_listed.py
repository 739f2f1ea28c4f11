"""Commands that go through every practice, such as the drift check, may list the practices and nothing of them."""

from alembic import op

from shared.migrations import statements

revision = "0003_practices_are_listed"
down_revision = "0002_rules"

CHANGES = """
    CREATE POLICY listed ON practices FOR SELECT
        USING (coalesce(current_setting('app.every_tenant', true), 'off') = 'on');
"""


def upgrade() -> None:
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP POLICY listed ON practices")
