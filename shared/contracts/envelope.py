"""The event envelope: CloudEvents 1.0 in Kafka's binary binding.

Attributes travel as `ce_*` headers, the aggregate as the JSON body, the trace as `traceparent`
(https://github.com/cloudevents/spec, kafka-protocol-binding.md). The tenant is the extension
attribute `tenantid`, the aggregate's version the extension `sequence`.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

TRACEPARENT = "traceparent"


class Malformed(ValueError):
    """A record on a topic is no event of the catalogue; the text says why."""


class Contract(BaseModel):
    """Part of an event. Unknown fields are ignored, since newer producers may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Event(Contract):
    """The whole aggregate as it stood after the change that the type names.

    `type` is also the topic; `producer` the service that owns it; `sequence` rises by one with every
    change of the aggregate, so that a consumer can tell old news from new across topics.
    """

    type: ClassVar[str]
    producer: ClassVar[str]
    version: ClassVar[int] = 1
    compacted: ClassVar[bool] = False

    sequence: int

    @property
    @abstractmethod
    def subject(self) -> UUID:
        """The aggregate's id: the key on Kafka."""

    @classmethod
    def schema_id(cls) -> str:
        return f"urn:rapport:{cls.type}:{cls.version}"


E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E_co]):
    """One event with everything that travels beside its body."""

    id: UUID
    tenant: UUID
    time: datetime
    event: E_co
    traceparent: str | None = None

    def headers(self, traceparent: str | None = None) -> list[tuple[str, bytes]]:
        """Kafka headers; exactly one `traceparent`, the given one or the envelope's own."""
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": str(self.id),
            "ce_source": f"/rapport/{self.event.producer}",
            "ce_type": self.event.type,
            "ce_subject": str(self.event.subject),
            "ce_time": self.time.isoformat(),
            "ce_tenantid": str(self.tenant),
            "ce_sequence": str(self.event.sequence),
            "ce_dataschema": self.event.schema_id(),
            "content-type": "application/json",
        }
        trace = traceparent or self.traceparent
        if trace:
            attributes[TRACEPARENT] = trace
        return [(name, value.encode()) for name, value in attributes.items()]

    @staticmethod
    def read(
        catalogue: Mapping[str, type[Event]],
        headers: Iterable[tuple[str, bytes]],
        body: bytes | None,
    ) -> "Envelope[Event]":
        """Decodes a record. Raises Malformed when it is no event that the catalogue knows."""
        try:
            values: dict[str, str] = {name: value.decode() for name, value in headers}
            model = catalogue[values["ce_type"]]
            if values["ce_dataschema"] != model.schema_id():
                raise Malformed(f"schema {values['ce_dataschema']}, this reader knows {model.schema_id()}")
            return Envelope(
                id=UUID(values["ce_id"]),
                tenant=UUID(values["ce_tenantid"]),
                time=datetime.fromisoformat(values["ce_time"]),
                event=model.model_validate_json(body or b""),
                traceparent=values.get(TRACEPARENT),
            )
        except KeyError as error:
            raise Malformed(f"no such header or event type: {error}") from error
        except ValidationError as error:
            # Only where and what kind: a body's values may not go into logs.
            where = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['type']}" for e in error.errors())
            raise Malformed(f"body doesn't fit its contract ({where})") from error
        except (UnicodeDecodeError, ValueError) as error:
            if isinstance(error, Malformed):
                raise
            raise Malformed(f"headers can't be read ({type(error).__name__})") from error


def data_schema(event: type[Event]) -> dict[str, Any]:
    """JSON Schema (2020-12) of an event's body."""
    return event.model_json_schema(mode="serialization")
