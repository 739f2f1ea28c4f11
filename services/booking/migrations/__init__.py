"""The Alembic history of booking; `python -m services.booking.migrations` applies it."""
