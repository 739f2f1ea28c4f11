"""What a practice decides for itself, and which visits were called off late."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0005_policies"
down_revision = "0004_confirmed"

TABLES = """
    CREATE TABLE policies (
        tenant_id uuid PRIMARY KEY,
        late_within interval NOT NULL,
        version integer NOT NULL
    );
    COMMENT ON TABLE policies IS 'What a practice decides for itself; without a row the defaults of the code';
    ALTER TABLE appointments ADD COLUMN late boolean NOT NULL DEFAULT false;
"""


def upgrade() -> None:
    for statement in statements(TABLES, tenancy_v1("policies")):
        op.execute(statement)
