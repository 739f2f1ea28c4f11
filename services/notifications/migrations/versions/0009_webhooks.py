"""Third-party apps hear of events."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0009_webhooks"
down_revision = "0008_conversations"

TABLES = """
    CREATE TABLE webhooks (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        url text NOT NULL,
        event_types text[] NOT NULL,
        secret text NOT NULL,
        old_secret text,
        old_secret_until timestamptz,
        disabled_because text,
        created_at timestamptz NOT NULL,
        version integer NOT NULL,
        PRIMARY KEY (tenant_id, id));
    COMMENT ON TABLE webhooks IS 'Where third-party apps want to hear of events';
    CREATE TABLE webhook_deliveries (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        webhook_id uuid NOT NULL,
        event_type text NOT NULL,
        payload text NOT NULL,
        status text NOT NULL,
        attempts integer NOT NULL,
        answer text,
        created_at timestamptz NOT NULL,
        tried_at timestamptz,
        next_at timestamptz,
        PRIMARY KEY (tenant_id, id));
    COMMENT ON TABLE webhook_deliveries IS 'Events for third-party apps: pending, delivered or given up (dead)';
    CREATE INDEX webhook_deliveries_of ON webhook_deliveries (tenant_id, webhook_id, created_at);
"""


def upgrade() -> None:
    for statement in statements(TABLES, tenancy_v1("webhooks"), tenancy_v1("webhook_deliveries")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE webhook_deliveries")
    op.execute("DROP TABLE webhooks")
