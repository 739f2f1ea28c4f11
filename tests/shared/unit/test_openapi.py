"""The published API documents: stable ids, an example on every body, every error documented."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.openapi import document, text
from tests.support.servers import SETTINGS

DOCS = Path(__file__).parents[3] / "docs" / "openapi"
SERVICES = sorted(SETTINGS)


def operations(api: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation) for path, item in api["paths"].items() for method, operation in item.items()
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_in_docs_is_the_one_that_is_served(service: str) -> None:
    assert (DOCS / f"{service}.json").read_text() == text(service), "run `make openapi` and look at the difference"


@pytest.mark.parametrize("service", SERVICES)
def test_operations_have_ids_of_their_own_words_and_document_their_errors(service: str) -> None:
    api = document(service)
    assert api["openapi"].startswith("3.1")
    ids = [operation["operationId"] for _, operation in operations(api)]
    assert len(ids) == len(set(ids))
    for name, operation in operations(api):
        assert "__" not in operation["operationId"], name
        assert operation.get("description"), name
        assert {"422", "503"} <= set(operation["responses"]), name
        if not {"carriers", "services"} & set(operation.get("tags", [])):  # those prove themselves by a signature
            assert {"401", "403"} <= set(operation["responses"]), name


@pytest.mark.parametrize("service", SERVICES)
def test_every_body_has_an_example(service: str) -> None:
    api = document(service)
    schemas = api["components"]["schemas"]
    without = set()
    for _, operation in operations(api):
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        for body in [operation.get("requestBody", {}), *answers]:
            reference = body.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
            name = reference.rsplit("/", 1)[-1]
            if name and not _has_example(schemas, name):
                without.add(name)
    assert without == set()


def _has_example(schemas: dict[str, Any], name: str) -> bool:
    """An example of its own, or a list of things that have one."""
    schema = schemas[name]
    if "example" in schema or "examples" in schema:
        return True
    items = schema.get("properties", {}).get("items", {}).get("items", {}).get("$ref", "")
    return bool(items) and _has_example(schemas, items.rsplit("/", 1)[-1])
