"""Alembic's environment; see `shared.migrations`."""

from services.availability.tables import metadata
from shared.migrations import run_env

run_env(metadata)
