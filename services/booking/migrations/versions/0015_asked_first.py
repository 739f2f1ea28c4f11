"""The providers of visits that are booked already are asked, too, before these are missed."""

from alembic import op

from shared.migrations import of_every_tenant, statements

revision = "0015_asked_first"
down_revision = "0014_what_was_done"

CHANGES = """
    UPDATE timers SET due_at = asked.at, generation = timers.generation + 1, leased_until = NULL
        FROM (SELECT tenant_id, id, start + greatest(interval '5 minutes', late_by) AS at FROM appointments
              WHERE status = 'booked') AS asked
        WHERE timers.kind = 'appointment.miss' AND timers.tenant_id = asked.tenant_id AND timers.key = asked.id
          AND asked.at < timers.due_at AND asked.at > clock_timestamp();
    DELETE FROM timers USING appointments AS away
        WHERE timers.kind = 'appointment.miss' AND timers.tenant_id = away.tenant_id AND timers.key = away.id
          AND away.needs_rebooking;
"""
UNDONE = """
    UPDATE timers SET due_at = missed.at, generation = timers.generation + 1, leased_until = NULL
        FROM (SELECT tenant_id, id, start + greatest(grace, late_by) AS at FROM appointments) AS missed
        WHERE timers.kind = 'appointment.miss' AND timers.tenant_id = missed.tenant_id AND timers.key = missed.id;
"""


def upgrade() -> None:
    for statement in statements(of_every_tenant(CHANGES, "appointments", "timers")):
        op.execute(statement)


def downgrade() -> None:
    """An older version asks nobody; a timer that is due too early for it does nothing but go, so it is moved back."""
    for statement in statements(of_every_tenant(UNDONE, "appointments", "timers")):
        op.execute(statement)
