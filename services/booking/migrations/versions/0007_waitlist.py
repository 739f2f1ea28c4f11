"""Who waits for a time, and what became of each offer."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0007_waitlist"
down_revision = "0006_notes"

NAMES = ("waitlist_rules", "waitlist_entries", "waitlist_openings", "waitlist_offers")

TABLES = """
    CREATE TABLE waitlist_rules (
        tenant_id uuid PRIMARY KEY,
        at_once integer NOT NULL,
        open_for interval NOT NULL,
        cut_off interval NOT NULL,
        earliest time NOT NULL,
        latest time NOT NULL,
        version integer NOT NULL
    );
    COMMENT ON TABLE waitlist_rules IS 'How a practice offers freed times; without a row the defaults of the code';
    CREATE TABLE waitlist_entries (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        client_id uuid NOT NULL,
        appointment_type_id uuid NOT NULL,
        provider_ids uuid[] NOT NULL,
        location_ids uuid[] NOT NULL,
        modality text,
        zone text NOT NULL,
        windows jsonb NOT NULL,
        first_day date,
        last_day date,
        swaps uuid,
        status text NOT NULL,
        joined_at timestamptz NOT NULL,
        joined_by text NOT NULL,
        appointment_id uuid,
        sequence integer NOT NULL,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
    );
    CREATE INDEX waitlist_entries_waiting ON waitlist_entries (tenant_id, appointment_type_id, joined_at, id)
        WHERE status = 'waiting';
    CREATE INDEX waitlist_entries_of_client ON waitlist_entries (tenant_id, client_id);
    CREATE TABLE waitlist_openings (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        provider_id uuid NOT NULL,
        spans jsonb NOT NULL,
        looks integer NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE waitlist_openings IS 'Freed times; the row goes when there is nobody left to offer them to';
    COMMENT ON COLUMN waitlist_openings.spans IS 'Seconds since 1970, in order';
    CREATE TABLE waitlist_offers (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        entry_id uuid NOT NULL,
        opening_id uuid NOT NULL,
        client_id uuid NOT NULL,
        schedule_id uuid NOT NULL,
        provider_id uuid NOT NULL,
        modality text NOT NULL,
        start timestamptz NOT NULL,
        "end" timestamptz NOT NULL,
        occupied_from timestamptz NOT NULL,
        occupied_to timestamptz NOT NULL,
        offered_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        fate text NOT NULL,
        decided_at timestamptz,
        appointment_id uuid,
        traceparent text,
        sequence integer NOT NULL,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, entry_id) REFERENCES waitlist_entries (tenant_id, id)
    );
    CREATE UNIQUE INDEX waitlist_offers_one_at_a_time ON waitlist_offers (tenant_id, entry_id) WHERE fate = 'open';
    CREATE INDEX waitlist_offers_of_provider ON waitlist_offers (tenant_id, provider_id, start) WHERE fate = 'open';
    CREATE INDEX waitlist_offers_of_opening ON waitlist_offers (tenant_id, opening_id);
    CREATE INDEX waitlist_offers_of_entry ON waitlist_offers (tenant_id, entry_id, offered_at);
"""


def upgrade() -> None:
    for statement in statements(TABLES, *map(tenancy_v1, NAMES)):
        op.execute(statement)
