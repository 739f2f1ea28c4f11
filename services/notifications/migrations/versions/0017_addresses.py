"""To which address a message went, and under which a vendor was asked: a client's may be another one by then.

Of what went in the last sixty days that is the client's present one, as was taken for granted so far. And by whom a
visit was changed last: only clients who have booked by themselves wait for an answer at night.
"""

from alembic import op

from shared.migrations import of_every_tenant, statements

revision = "0017_addresses"
down_revision = "0016_bounces"

_ADDED = """
    ALTER TABLE messages ADD COLUMN address text;
    ALTER TABLE hand_overs ADD COLUMN address text;
    ALTER TABLE visits ADD COLUMN changed_by text
"""
_KNOWN = """
    UPDATE messages SET address = CASE messages.channel WHEN 'email' THEN contacts.email ELSE contacts.phone END
        FROM contacts WHERE contacts.tenant_id = messages.tenant_id AND contacts.client_id = messages.client_id
        AND messages.sent_at > now() - interval '60 days';
    UPDATE hand_overs SET address = CASE hand_overs.channel WHEN 'email' THEN contacts.email ELSE contacts.phone END
        FROM messages, contacts WHERE messages.tenant_id = hand_overs.tenant_id AND messages.id = hand_overs.message_id
        AND contacts.tenant_id = messages.tenant_id AND contacts.client_id = messages.client_id
"""


def upgrade() -> None:
    known = of_every_tenant(_KNOWN + ";\n", "messages", "hand_overs", "contacts")
    for statement in statements(_ADDED, known):
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE messages DROP COLUMN address")
    op.execute("ALTER TABLE hand_overs DROP COLUMN address")
    op.execute("ALTER TABLE visits DROP COLUMN changed_by")
