"""Settings of availability, from `AVAILABILITY_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import MigrationSettings, ServiceSettings, SigningKey

_ENV = SettingsConfigDict(env_prefix="AVAILABILITY_")


class Settings(ServiceSettings):
    model_config = _ENV

    port: int = 8001
    worker_port: int = 8011
    slot_signing_key: SigningKey = Field(description="Key of slot ids, the same as booking's")


class Migrations(MigrationSettings):
    model_config = _ENV
