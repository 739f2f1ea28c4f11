"""Events: the envelope, the catalogue, and that a published contract never changes."""

import json
import re
from pathlib import Path
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest

from shared.contracts import BY_TYPE, CATALOGUE, Envelope, Event, Malformed
from shared.contracts.asyncapi import document, text
from shared.contracts.envelope import data_schema
from tests.support.build import NOW, appointment_event

EVENTS = Path(__file__).parents[3] / "docs" / "events"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def envelope() -> Envelope[Event]:
    return Envelope(id=uuid4(), tenant=uuid4(), time=NOW, event=appointment_event(), traceparent=TRACE)


def test_an_event_survives_the_way_through_kafka() -> None:
    sent = envelope()
    assert Envelope.read(BY_TYPE, sent.headers(), sent.event.model_dump_json().encode()) == sent


def test_there_is_exactly_one_traceparent_the_newer_one() -> None:
    newer = TRACE.replace("b7ad", "c8be")
    found = [value for name, value in envelope().headers(newer) if name == "traceparent"]
    assert found == [newer.encode()]


def test_fields_that_newer_producers_add_are_ignored() -> None:
    sent = envelope()
    body = {**json.loads(sent.event.model_dump_json()), "brand_new": 1}
    assert Envelope.read(BY_TYPE, sent.headers(), json.dumps(body).encode()).event == sent.event


@pytest.mark.parametrize("broken", ["no header", "unknown type", "other version", "no json", "wrong field", "empty"])
def test_what_is_no_event_of_the_catalogue_is_malformed_and_says_why_without_values(broken: str) -> None:
    sent = envelope()
    headers = dict(sent.headers())
    body: bytes | None = sent.event.model_dump_json().encode()
    if broken == "no header":
        del headers["ce_tenantid"]
    elif broken == "unknown type":
        headers["ce_type"] = b"appointment.exploded"
    elif broken == "other version":
        headers["ce_dataschema"] = b"urn:rapport:appointment.booked:99"
    elif broken == "no json":
        body = b"secret words, not json"
    elif broken == "wrong field":
        body = (body or b"").replace(b'"booked"', b'"secret words"')
    else:
        body = None
    with pytest.raises(Malformed) as refusal:
        Envelope.read(BY_TYPE, headers.items(), body)
    assert "secret words" not in str(refusal.value)


def test_each_topic_is_named_thing_dot_past_tense_and_has_one_producer() -> None:
    assert len(BY_TYPE) == len(CATALOGUE)
    for event in CATALOGUE:
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", event.type)
        assert event.producer in ("availability", "booking", "notifications", "feedback")
        assert (event.__doc__ or "").strip()


def test_no_event_has_a_place_for_names_addresses_or_free_text() -> None:
    free = []
    allowed = {"reason_code", "reason", "purpose", "kind", "zone", "wording_version", "source", "barrier"}
    for event in CATALOGUE:
        for name, field in event.model_fields.items():
            kinds = {field.annotation, *get_args(field.annotation)}
            if str in kinds and name not in allowed:
                free.append(f"{event.type}.{name}")
    assert free == []


def test_the_catalogue_in_docs_is_the_one_that_the_contracts_generate() -> None:
    assert (EVENTS / "asyncapi.json").read_text() == text(), "run `make asyncapi` and look at the difference"


def _published() -> list[tuple[str, dict[str, Any]]]:
    return [(path.stem, json.loads(path.read_text())) for path in sorted((EVENTS / "published").glob("*.json"))]


def test_every_event_has_its_published_contract() -> None:
    assert {name for name, _ in _published()} == {f"{event.type}.v{event.version}" for event in CATALOGUE}


@pytest.mark.parametrize(("name", "old"), _published(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_published_contract_only_grows(name: str, old: dict[str, Any]) -> None:
    event = BY_TYPE[name.rsplit(".v", 1)[0]]
    new = data_schema(event)
    assert breaking(old, new) == []


def breaking(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What a consumer of the old contract would miss in the new one."""
    found = []
    for name, before in old.get("properties", {}).items():
        after = new.get("properties", {}).get(name)
        if after is None:
            found.append(f"{name} is gone")
        elif _meaning(before, old) != _grown_back(_meaning(after, new), _meaning(before, old)):
            found.append(f"{name} changed")
    found += [f"{name} may be missing now" for name in old.get("required", []) if name not in new.get("required", [])]
    found += [f"{name} is newly required" for name in new.get("required", []) if name not in old.get("required", [])]
    return found


def _grown_back(after: Any, before: Any) -> Any:
    """A meaning without the words that its enumerations have gained: whoever reads events takes those as they come."""
    if isinstance(after, dict) and isinstance(before, dict):
        if isinstance(after.get("enum"), list) and isinstance(before.get("enum"), list):
            after = {**after, "enum": [word for word in after["enum"] if word in before["enum"]]}
        return {key: _grown_back(value, before.get(key)) for key, value in after.items()}
    if isinstance(after, list) and isinstance(before, list) and len(after) == len(before):
        return [_grown_back(one, other) for one, other in zip(after, before, strict=True)]
    return after


def _meaning(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """A field's schema without words, references resolved."""
    if "$ref" in schema:
        return _meaning(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
    dropped = ("description", "title", "default", "examples")
    return {
        key: [_meaning(one, root) if isinstance(one, dict) else one for one in value]
        if isinstance(value, list)
        else _meaning(value, root)
        if isinstance(value, dict)
        else value
        for key, value in schema.items()
        if key not in dropped
    }


def test_the_guard_sees_removals_changes_and_new_demands() -> None:
    old = {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]}
    assert breaking(old, old) == []
    assert breaking(old, {"properties": {"a": {"type": "string"}}, "required": ["a"]}) == ["b is gone"]
    changed = {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
    assert breaking(old, changed) == ["a changed", "b is newly required"]


def test_an_enumeration_may_grow_and_never_shrink() -> None:
    def of(*words: str) -> dict[str, Any]:
        return {"properties": {"a": {"anyOf": [{"enum": list(words)}, {"type": "null"}]}}}

    assert breaking(of("x"), of("x", "y")) == []
    assert breaking(of("x", "y"), of("x")) == ["a changed"]
    assert breaking(of("x", "y"), of("y", "x")) == ["a changed"]


def test_the_document_lists_every_topic_with_headers_and_payload() -> None:
    api = document()
    assert api["asyncapi"].startswith("3.")
    assert set(api["channels"]) == set(BY_TYPE)
    subject = appointment_event().subject
    assert isinstance(subject, UUID)
