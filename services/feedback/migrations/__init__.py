"""The Alembic history of feedback; `python -m services.feedback.migrations` applies it."""
