"""What clients prefer, and practices' own words."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0007_languages"
down_revision = "0006_vendors"

CHANGES = """
    ALTER TABLE senders ADD COLUMN language text NOT NULL DEFAULT 'en';
    ALTER TABLE senders ALTER COLUMN language DROP DEFAULT;
    CREATE TABLE preferences (
        tenant_id uuid NOT NULL,
        client_id uuid NOT NULL,
        channels text[] NOT NULL,
        language text,
        opens time,
        closes time,
        PRIMARY KEY (tenant_id, client_id));
    COMMENT ON TABLE preferences IS 'What clients wish; it goes before what plans and flows say';
    CREATE TABLE templates (
        tenant_id uuid NOT NULL,
        purpose text NOT NULL,
        channel text NOT NULL,
        language text NOT NULL,
        subject text NOT NULL,
        body text NOT NULL,
        action text NOT NULL,
        version integer NOT NULL,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, purpose, channel, language));
    COMMENT ON TABLE templates IS 'A practice''s own words in place of the default ones';
"""


def upgrade() -> None:
    for statement in statements(CHANGES, tenancy_v1("preferences"), tenancy_v1("templates")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE templates")
    op.execute("DROP TABLE preferences")
    op.execute("ALTER TABLE senders DROP COLUMN language")
