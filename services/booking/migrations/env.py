"""Alembic's environment; see `shared.migrations`."""

from services.booking.tables import metadata
from shared.migrations import run_env

run_env(metadata)
