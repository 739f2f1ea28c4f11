"""What kept a client from coming is remembered by visit: the report may arrive before the miss."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0002_barriers"
down_revision = "0001_initial"

TABLES = """
    CREATE TABLE barriers (
        tenant_id uuid NOT NULL,
        appointment_id uuid NOT NULL,
        barrier text NOT NULL,
        reported_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, appointment_id)
    );
    COMMENT ON TABLE barriers IS 'The first answer for each visit, as a code';
"""


def upgrade() -> None:
    for statement in statements(TABLES, tenancy_v1("barriers")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE barriers")
