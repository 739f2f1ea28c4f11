"""The Alembic history of availability; `python -m services.availability.migrations` applies it."""
