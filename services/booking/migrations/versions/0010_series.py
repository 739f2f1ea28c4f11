"""Series: visits that were booked together by a recurrence rule."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0010_series"
down_revision = "0009_pages"

TABLES = """
    CREATE TABLE series (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        schedule_id uuid NOT NULL,
        rrule text NOT NULL,
        booked_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
    );
    COMMENT ON TABLE series IS 'Visits that were booked together, and by which rule; each has a life of its own';
    ALTER TABLE appointments ADD COLUMN series_id uuid;
    ALTER TABLE appointments ADD CONSTRAINT appointments_series
        FOREIGN KEY (tenant_id, series_id) REFERENCES series (tenant_id, id);
    CREATE INDEX appointments_of_series ON appointments (tenant_id, series_id) WHERE series_id IS NOT NULL;
"""


def upgrade() -> None:
    for statement in statements(TABLES, tenancy_v1("series")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE appointments DROP COLUMN series_id")
    op.execute("DROP TABLE series")
