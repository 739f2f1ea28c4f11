"""The event catalogue as AsyncAPI 3, generated from the contracts: `python -m shared.contracts.asyncapi <file>`."""

import json
import sys
from pathlib import Path
from typing import Any

from shared.contracts import CATALOGUE
from shared.contracts.envelope import Event, data_schema

_HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka binary binding",
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid"},
        "ce_source": {"type": "string", "description": "/rapport/<service>"},
        "ce_type": {"type": "string", "description": "The topic"},
        "ce_subject": {"type": "string", "format": "uuid", "description": "The aggregate's id, also the key"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_tenantid": {"type": "string", "format": "uuid", "description": "The practice"},
        "ce_sequence": {"type": "string", "description": "The aggregate's version"},
        "ce_dataschema": {"type": "string", "description": "urn:rapport:<type>:<version>"},
        "content-type": {"const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C trace context; exactly one"},
    },
    "required": [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "ce_tenantid",
        "ce_sequence",
        "ce_dataschema",
        "content-type",
    ],
}


def document() -> dict[str, Any]:
    """AsyncAPI 3.0: a channel a topic, a message an event, a sending operation for its producer."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rapport events",
            "version": "1",
            "description": "Every event carries the whole aggregate with its sequence: apply it only if that is newer"
            " than what you hold. Payloads carry opaque ids and times, never a name, an address or free text.",
        },
        "channels": {event.type: _channel(event) for event in CATALOGUE},
        "operations": {
            f"{event.producer}.{event.type}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{event.type}"},
                "summary": _summary(event),
            }
            for event in CATALOGUE
        },
        "components": {
            "messages": {event.__name__: _message(event) for event in CATALOGUE},
            "schemas": {"CloudEventHeaders": _HEADERS},
        },
    }


def _channel(event: type[Event]) -> dict[str, Any]:
    policy = ["compact"] if event.compacted else ["delete"]
    return {
        "address": event.type,
        "messages": {event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}},
        "bindings": {"kafka": {"topic": event.type, "topicConfiguration": {"cleanup.policy": policy}}},
    }


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.type,
        "summary": _summary(event),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
        "payload": {"$id": event.schema_id(), **data_schema(event)},
    }


def _summary(event: type[Event]) -> str:
    return (event.__doc__ or "").strip().splitlines()[0]


def text() -> str:
    return json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text())
