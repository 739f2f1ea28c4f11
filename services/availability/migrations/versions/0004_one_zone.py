"""A schedule goes by its provider's wall clock: overrides, trips and daily limits are the provider's too."""

from alembic import op

from shared.migrations import statements

revision = "0004_one_zone"
down_revision = "0003_practices_are_listed"

BACK = """
    ALTER TABLE schedules ADD COLUMN zone text NOT NULL DEFAULT 'UTC';
    ALTER TABLE schedules ALTER COLUMN zone DROP DEFAULT;
    ALTER TABLE schedules NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE providers NO FORCE ROW LEVEL SECURITY;
    UPDATE schedules SET zone = providers.zone FROM providers
        WHERE (providers.tenant_id, providers.id) = (schedules.tenant_id, schedules.provider_id);
    ALTER TABLE providers FORCE ROW LEVEL SECURITY;
    ALTER TABLE schedules FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    op.execute("ALTER TABLE schedules DROP COLUMN zone")


def downgrade() -> None:
    for statement in statements(BACK):
        op.execute(statement)
