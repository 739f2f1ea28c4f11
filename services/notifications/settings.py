"""Settings of notifications, from `NOTIFICATIONS_*`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import MigrationSettings, ServiceSettings, SigningKey

_ENV = SettingsConfigDict(env_prefix="NOTIFICATIONS_")


class Settings(ServiceSettings):
    model_config = _ENV

    port: int = 8003
    worker_port: int = 8013
    link_signing_key: SigningKey = Field(description="Key of the links in messages, the same in all services")
    booking_api_url: str = Field(description="Address of booking inside the cluster, asked before a message is sent")
    booking_public_url: str = Field(description="Address of booking as clients' phones see it")
    feedback_public_url: str = Field(description="Address of feedback as clients' phones see it")
    smtp_host: str = Field(description="Mail server that takes our messages")
    smtp_port: int = 587
    smtp_username: str | None = None
    smtp_password: str | None = None
    smtp_starttls: bool = Field(False, description="Require STARTTLS; set it for every server but a local one")
    sms_api_url: str = Field(description="Base address of the Twilio-compatible REST API")
    sms_account_sid: str
    sms_auth_token: str = Field(description="Authenticates us, and signs the carrier's callbacks")


class Migrations(MigrationSettings):
    model_config = _ENV
