"""The Alembic history of notifications; `python -m services.notifications.migrations` brings a database and the topics up to date."""
