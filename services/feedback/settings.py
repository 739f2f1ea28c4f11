"""Settings of feedback, from `FEEDBACK_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import MigrationSettings, ServiceSettings, SigningKey

_ENV = SettingsConfigDict(env_prefix="FEEDBACK_")


class Settings(ServiceSettings):
    model_config = _ENV

    port: int = 8004
    worker_port: int = 8014
    link_signing_key: SigningKey = Field(description="Key of the links in messages, the same in all services")
    booking_public_url: str = Field(description="Address of booking as clients' phones see it")
    notifications_public_url: str = Field(description="Address of notifications as clients' phones see it")


class Migrations(MigrationSettings):
    model_config = _ENV
