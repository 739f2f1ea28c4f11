"""Settings of notifications, from `NOTIFICATIONS_*`."""

from pydantic import Field, model_validator
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
    smtp_starttls: bool = Field(
        True, description="Require TLS: by STARTTLS, or from the start on port 465; false for a local server alone"
    )
    smtp_2_host: str | None = Field(None, description="A second mail server, for when the first one is away")
    smtp_2_port: int = 587
    smtp_2_username: str | None = None
    smtp_2_password: str | None = None
    smtp_2_starttls: bool = True
    sms_api_url: str = Field(description="Base address of the Twilio-compatible REST API")
    sms_account_sid: str
    sms_auth_token: str = Field(description="Authenticates us, and signs the carrier's callbacks")
    insecure_webhook_hosts: str = Field(
        "",
        description="host:port of apps whose webhooks may be called over http and at private addresses, separated by"
        " commas; for this machine only",
    )
    sms_2_api_url: str | None = Field(None, description="A second carrier, for when the first one is away")
    sms_2_account_sid: str | None = None
    sms_2_auth_token: str | None = None
    sms_knows_repetitions: bool = Field(
        False,
        description="Whether carriers take a text only once that they are given twice under one "
        "I-Twilio-Idempotency-Token; where they don't (Twilio itself doesn't say so), what may have gone is looked for "
        "in their list, and given to them again only where it isn't there",
    )
    sms_2_number: str | None = Field(None, description="The number that it sends from")

    @model_validator(mode="after")
    def _second_is_whole(self) -> "Settings":
        given = [self.sms_2_api_url, self.sms_2_account_sid, self.sms_2_auth_token, self.sms_2_number]
        if any(given) and not all(given):
            raise ValueError("sms_2_api_url, sms_2_account_sid, sms_2_auth_token and sms_2_number go together")
        return self

    @property
    def insecure_webhooks(self) -> frozenset[str]:
        return frozenset(host.strip().lower() for host in self.insecure_webhook_hosts.split(",") if host.strip())

    @property
    def carrier_tokens(self) -> list[str]:
        """What signs the requests that carriers make here."""
        return [token for token in (self.sms_auth_token, self.sms_2_auth_token) if token]


class Migrations(MigrationSettings):
    model_config = _ENV
