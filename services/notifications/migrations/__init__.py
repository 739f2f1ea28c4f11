"""The Alembic history of notifications; `python -m services.notifications.migrations` applies it."""
