"""Settings of booking, from `BOOKING_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import MigrationSettings, ServiceSettings, SigningKey

_ENV = SettingsConfigDict(env_prefix="BOOKING_")


class Settings(ServiceSettings):
    model_config = _ENV

    port: int = 8002
    worker_port: int = 8012
    slot_signing_key: SigningKey = Field(description="Key of slot ids, the same as availability's")
    link_signing_key: SigningKey = Field(description="Key of the links in messages, the same in all services")
    feedback_public_url: str = Field(description="Address of feedback as clients' phones see it")
    notifications_public_url: str = Field(description="Address of notifications as clients' phones see it")
    availability_api_url: str = Field(description="Address of availability inside the cluster, for names on pages")
    notifications_api_url: str = Field(
        description="Address of notifications inside the cluster, which keeps how new clients can be reached"
    )


class Migrations(MigrationSettings):
    model_config = _ENV
