"""Providers' hours, overrides, time off, holidays, rooms, calendars; what is published; holds; the change feed."""

from alembic import op

from shared.migrations import statements, tenancy_v1

revision = "0002_rules"
down_revision = "0001_initial"

CHANGES = """
    ALTER TABLE providers
        ADD COLUMN windows jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN new_client_windows jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN travels jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN most_per_day integer,
        ADD COLUMN version integer NOT NULL DEFAULT 1,
        ADD COLUMN absences_sequence integer NOT NULL DEFAULT 0;

    ALTER TABLE appointment_types ADD COLUMN intake boolean NOT NULL DEFAULT false;

    CREATE TABLE rooms (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        location_id uuid NOT NULL,
        name text NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, location_id) REFERENCES locations (tenant_id, id)
    );
    CREATE INDEX rooms_created_at ON rooms (tenant_id, created_at, id);

    CREATE TABLE holidays (
        tenant_id uuid NOT NULL,
        day date NOT NULL,
        name text NOT NULL,
        PRIMARY KEY (tenant_id, day)
    );

    CREATE TABLE overrides (
        tenant_id uuid NOT NULL,
        provider_id uuid NOT NULL,
        day date NOT NULL,
        windows jsonb NOT NULL,
        new_client_windows jsonb NOT NULL,
        PRIMARY KEY (tenant_id, provider_id, day),
        FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id)
    );

    CREATE TABLE time_off (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        provider_id uuid NOT NULL,
        begins_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id)
    );
    CREATE INDEX time_off_provider ON time_off (tenant_id, provider_id, ends_at);

    CREATE TABLE calendars (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        provider_id uuid NOT NULL,
        name text NOT NULL,
        url text NOT NULL,
        refresh_every interval NOT NULL,
        stale_after interval NOT NULL,
        created_at timestamptz NOT NULL,
        etag text,
        last_modified text,
        checked_at timestamptz,
        fetched_at timestamptz,
        stale boolean NOT NULL DEFAULT false,
        error_code text,
        error_line integer,
        error_detail text,
        busy jsonb NOT NULL DEFAULT '[]',
        busy_until timestamptz,
        sequence integer NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id)
    );
    CREATE INDEX calendars_provider ON calendars (tenant_id, provider_id, created_at, id);

    ALTER TABLE schedules
        ALTER COLUMN windows DROP NOT NULL,
        ADD COLUMN new_client_windows jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN overrides jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN room_ids uuid[] NOT NULL DEFAULT '{}',
        ADD COLUMN capacity integer NOT NULL DEFAULT 1,
        ADD COLUMN most_per_day integer,
        ADD COLUMN version integer,
        ADD COLUMN published jsonb;
    COMMENT ON COLUMN schedules.windows IS 'Null: open in the provider''s hours';
    COMMENT ON COLUMN schedules.published IS 'The newest schedule.published; search goes by it';
    UPDATE schedules SET version = sequence, published = jsonb_build_object(
        'schedule_id', id, 'provider_id', provider_id, 'appointment_type_id', appointment_type_id,
        'location_id', location_id, 'modality', modality, 'zone', zone, 'windows', windows,
        'duration', extract(epoch FROM duration), 'buffer_before', extract(epoch FROM buffer_before),
        'buffer_after', extract(epoch FROM buffer_after), 'step', extract(epoch FROM step),
        'minimum_notice', extract(epoch FROM minimum_notice), 'horizon', extract(epoch FROM horizon),
        'grace', extract(epoch FROM grace), 'sequence', sequence);
    ALTER TABLE schedules ALTER COLUMN version SET NOT NULL;
    CREATE INDEX schedules_provider ON schedules (tenant_id, provider_id) WHERE withdrawn_at IS NULL;

    DROP TABLE occupied;
    CREATE TABLE occupied (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        provider_id uuid NOT NULL,
        schedule_id uuid NOT NULL,
        room_id uuid,
        client_id uuid,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        occupied_from timestamptz NOT NULL,
        occupied_to timestamptz NOT NULL,
        expires_at timestamptz,
        free boolean NOT NULL,
        sequence integer NOT NULL,
        PRIMARY KEY (tenant_id, id)
    );
    COMMENT ON TABLE occupied IS 'Projection of the topics appointment.* and slot.*';
    COMMENT ON COLUMN occupied.expires_at IS 'Of a hold; null for a visit';
    CREATE INDEX occupied_times ON occupied (tenant_id, provider_id, occupied_to, occupied_from) WHERE NOT free;
    CREATE INDEX occupied_rooms ON occupied (tenant_id, room_id, occupied_to, occupied_from)
        WHERE NOT free AND room_id IS NOT NULL;
    CREATE INDEX occupied_clients ON occupied (tenant_id, client_id, ends_at) WHERE NOT free;

    CREATE TABLE changes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant_id uuid NOT NULL,
        provider_id uuid,
        room_id uuid,
        written_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
        changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE changes IS 'What API processes must forget of their cache; kept for minutes';
    COMMENT ON COLUMN changes.provider_id IS 'Null: the practice as a whole';
    CREATE INDEX changes_written_by ON changes (written_by);
"""


def upgrade() -> None:
    # As on every table here row-level security is forced: the owner too sees rows only where a policy lets it.
    op.execute("ALTER TABLE schedules NO FORCE ROW LEVEL SECURITY")
    tenancy = [tenancy_v1(name) for name in ("rooms", "holidays", "overrides", "time_off", "calendars", "occupied")]
    for statement in statements(CHANGES, *tenancy, tenancy_v1("changes", infrastructure=True)):
        op.execute(statement)
    op.execute("ALTER TABLE schedules FORCE ROW LEVEL SECURITY")
