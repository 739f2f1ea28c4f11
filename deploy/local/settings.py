"""The environment of each service's processes in the local stack."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.local.issuer import AUDIENCE
from deploy.local.ports import HOST

SERVICES = ("availability", "booking", "notifications", "feedback")


def load_secrets(path: Path) -> dict[str, str]:
    """Keys and passwords of this stack, made once."""
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    for name in ("slot_key", "link_key", "sms_token"):
        found.setdefault(name, secrets.token_hex(32))
    found.setdefault("sms_account", "AC" + secrets.token_hex(16))
    save_secrets(path, found)
    return found


def save_secrets(path: Path, values: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(values, file, indent=2)


def url(port: int) -> str:
    return f"http://{HOST}:{port}"


def service_environment(
    service: str,
    ports: Mapping[str, int],
    secret: Mapping[str, str],
    database: tuple[str, str],
    bootstrap: str,
    *,
    tracing: bool,
) -> dict[str, str]:
    """What one service's API, worker and migration command are told."""
    serving, owner = database
    values = {
        "DATABASE_URL": serving,
        "OWNER_DATABASE_URL": owner,
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "AUTH_ISSUER": url(ports["issuer"]),
        "AUTH_AUDIENCE": AUDIENCE,
        "AUTH_JWKS_URL": url(ports["issuer"]) + "/jwks.json",
        "PUBLIC_URL": url(ports[service]),
        "HOST": HOST,
        "PORT": str(ports[service]),
        "WORKER_PORT": str(ports[f"{service} worker"]),
    }
    if service == "availability":
        values["INSECURE_FEED_HOSTS"] = f"{HOST}:{ports['receivers']}"
    if service in ("availability", "notifications"):
        values["BOOKING_API_URL"] = url(ports["booking"])
    if service == "booking":
        values["AVAILABILITY_API_URL"] = url(ports["availability"])
        values["NOTIFICATIONS_API_URL"] = url(ports["notifications"])
    if service in ("booking", "feedback"):
        values["NOTIFICATIONS_PUBLIC_URL"] = url(ports["notifications"])
    if service in ("availability", "booking"):
        values["SLOT_SIGNING_KEY"] = secret["slot_key"]
    if service != "availability":
        values["LINK_SIGNING_KEY"] = secret["link_key"]
    if service in ("booking", "notifications"):
        values["FEEDBACK_PUBLIC_URL"] = url(ports["feedback"])
    if service in ("feedback", "notifications"):
        values["BOOKING_PUBLIC_URL"] = url(ports["booking"])
    if service == "notifications":
        values |= {
            "SMTP_HOST": HOST,
            "SMTP_PORT": str(ports["smtp"]),
            "SMTP_STARTTLS": "false",
            "SMS_API_URL": url(ports["receivers"]),
            "SMS_ACCOUNT_SID": secret["sms_account"],
            "SMS_AUTH_TOKEN": secret["sms_token"],
        }
    named = {f"{service.upper()}_{name}": value for name, value in values.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTHONPATH"))}
    return {**inherited, **named, **_tracing(ports, tracing)}


def _tracing(ports: Mapping[str, int], enabled: bool) -> dict[str, str]:
    if not enabled:
        return {"OTEL_TRACES_EXPORTER": "none"}
    return {
        "OTEL_TRACES_EXPORTER": "zipkin_json",
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT": url(ports["zipkin"]) + "/api/v2/spans",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
    }
