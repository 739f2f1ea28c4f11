"""Booking's Alembic history; `python -m services.booking.migrations` brings a database and the topics up to date."""
