"""A timer's failures are counted apart from its waits."""

from alembic import op

from shared.migrations import TIMERS_V2, TIMERS_V2_UNDONE

revision = "0002_failures"
down_revision = "0001_initial"


def upgrade() -> None:
    op.execute(TIMERS_V2)


def downgrade() -> None:
    op.execute(TIMERS_V2_UNDONE)
