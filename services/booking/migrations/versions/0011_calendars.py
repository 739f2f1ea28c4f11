"""Private calendars, and where visits by video take place."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0011_calendars"
down_revision = "0010_series"

TABLES = """
    CREATE TABLE calendars (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        provider_id uuid,
        client_id uuid,
        titles text NOT NULL,
        token_hash bytea NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        revoked_at timestamptz,
        PRIMARY KEY (tenant_id, id),
        CONSTRAINT calendars_of_one CHECK ((provider_id IS NULL) <> (client_id IS NULL))
    );
    COMMENT ON COLUMN calendars.token_hash IS 'SHA-256 of its address''s secret, which is kept nowhere';
    CREATE UNIQUE INDEX calendars_by_token ON calendars (tenant_id, token_hash);
    ALTER TABLE policies ADD COLUMN video_link text;
"""


def upgrade() -> None:
    for statement in statements(TABLES, tenancy_v1("calendars")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE policies DROP COLUMN video_link")
    op.execute("DROP TABLE calendars")
