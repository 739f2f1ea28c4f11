"""What the conditions of plans and flows ask about."""

from alembic import op

from shared.migrations import statements

revision = "0005_conditions"
down_revision = "0004_invitations"

CHANGES = """
    ALTER TABLE visits ADD COLUMN modality text, ADD COLUMN confirmed_at timestamptz;
    ALTER TABLE messages ADD COLUMN plan_version integer;
    COMMENT ON COLUMN messages.plan_version IS 'Of the reminder plan that it is a step of';
    ALTER TABLE outreach_flows NO FORCE ROW LEVEL SECURITY;
    UPDATE outreach_flows SET flow = jsonb_set(flow, '{steps}', (
        SELECT jsonb_agg(
            CASE WHEN (step ->> 'unless_barrier_known')::boolean
                THEN (step - 'unless_barrier_known') || '{"when": {"barriers": ["unknown"]}}'
                ELSE step - 'unless_barrier_known' END
            ORDER BY number)
        FROM jsonb_array_elements(flow -> 'steps') WITH ORDINALITY AS steps (step, number)));
    ALTER TABLE outreach_flows FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    for statement in statements(CHANGES):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE visits DROP COLUMN modality, DROP COLUMN confirmed_at")
    op.execute("ALTER TABLE messages DROP COLUMN plan_version")
