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
    booking_api_url: str = Field("", description="Address of booking inside the cluster; only the drift check asks it")
    insecure_feed_hosts: str = Field(
        "",
        description="host:port of calendars that may be read over http and at private addresses, separated by commas;"
        " for this machine only",
    )

    @property
    def insecure_feeds(self) -> frozenset[str]:
        return frozenset(host.strip().lower() for host in self.insecure_feed_hosts.split(",") if host.strip())


class Migrations(MigrationSettings):
    model_config = _ENV
