"""Settings that every service has, and how a missing one is reported.

Each service subclasses `ServiceSettings` with its own `env_prefix` (`BOOKING_`, …): the field
`database_url` is then read from `BOOKING_DATABASE_URL`. Tracing alone is set by OpenTelemetry's own
variables (`OTEL_TRACES_EXPORTER`, `OTEL_EXPORTER_*`).
"""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings

from shared.errors import StartupError


def _postgres(value: str) -> str:
    if not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("should look like postgresql://user:password@host:5432/database")
    return value


def _signing_key(value: str) -> str:
    if len(value) < 32:
        raise ValueError("should have at least 32 characters, such as the output of `openssl rand -hex 32`")
    return value


PostgresUrl = Annotated[str, AfterValidator(_postgres)]
SigningKey = Annotated[str, AfterValidator(_signing_key)]


class ServiceSettings(BaseSettings):
    """The settings that all four services share."""

    database_url: PostgresUrl = Field(description="Database of the service, as the role that serves")
    kafka_bootstrap_servers: str = Field(description="host:port[,host:port] of the Kafka brokers")
    auth_issuer: str = Field(description="The `iss` of the bearer tokens that are accepted")
    auth_audience: str = Field(description="The `aud` of the bearer tokens that are accepted")
    auth_jwks_url: str = Field(description="Where the issuer publishes its keys")
    public_url: str = Field(description="The service's address as callers and clients' phones see it")
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in a container")
    port: int = Field(description="Port of the API")
    worker_port: int = Field(description="Port of the worker's probes and metrics")
    log_level: str = "INFO"
    pool_size: int = Field(10, ge=1, description="Database connections of one process")
    max_body_bytes: int = Field(1_048_576, ge=1024, description="Larger request bodies are refused with 413")
    request_seconds: float = Field(20, gt=0, description="A request that takes longer is answered with 503")
    drain_seconds: float = Field(25, gt=0, le=26, description="How long a stopping process finishes work")


class MigrationSettings(BaseSettings):
    """What the migration command needs: the owner's URL, and the serving role's to grant to."""

    database_url: PostgresUrl
    owner_database_url: PostgresUrl = Field(description="Database of the service, as the role that owns it")
    kafka_bootstrap_servers: str
    topic_replication: int = Field(1, ge=1, description="Replication factor of topics that are created")


S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S]) -> S:
    """Reads the settings from the environment.

    Raises StartupError with one sentence that names each variable that is missing or wrong.
    """
    try:
        return settings()
    except ValidationError as error:
        prefix = str(settings.model_config.get("env_prefix", ""))
        wrong = []
        for item in error.errors():
            name = (prefix + "_".join(str(part) for part in item["loc"])).upper()
            reason = "is missing" if item["type"] == "missing" else item["msg"].removeprefix("Value error, ")
            wrong.append(f"{name} {reason}")
        raise StartupError(f"Can't start: {'; '.join(wrong)}.") from error
