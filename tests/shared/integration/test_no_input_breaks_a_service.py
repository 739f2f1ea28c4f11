"""Whatever is put into any field of any request, the answer is a problem that a caller can act on, never a 500."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import MakeApi
from tests.support.issuer import Issuer
from tests.support.openapi import document
from tests.support.servers import SETTINGS

pytestmark = pytest.mark.servers

ODD: list[Any] = [
    "",
    "\u0000",
    "a\u0000b",
    "\ud800",
    "x" * 5000,
    "'; DROP TABLE outbox; --",
    "<script>",
    "🫠",
    "-PT1S",
    "P999999999D",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    -1,
    0,
    2**63,
    1e308,
    True,
    None,
    [],
    {},
    [[[[[]]]]],
]


def requests(service: str) -> Iterator[tuple[str, str, Any]]:
    """Each write with its documented example as body."""
    api = document(service)
    schemas = api["components"]["schemas"]
    for path, item in api["paths"].items():
        for method, operation in item.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if schema:
                yield method, path, schemas[schema["$ref"].rsplit("/", 1)[-1]]["example"]


def variants(body: Any) -> Iterator[Any]:
    """The body with one value replaced, at every depth."""
    places = list(_places(body, ()))
    for place in places:
        for value in ODD:
            changed = deepcopy(body)
            at = changed
            for step in place[:-1]:
                at = at[step]
            at[place[-1]] = value
            yield changed
    yield from ODD


def _places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


@pytest.mark.parametrize("service", sorted(SETTINGS))
async def test_no_body_breaks_it(service: str, api: MakeApi, issuer: Issuer) -> None:
    http = await api(service)
    tenant = uuid4()
    headers = {**issuer.headers(tenant, "admin"), "content-type": "application/json", "if-match": '"1"'}
    tried = 0
    for method, path, example in requests(service):
        address = path.replace("{practice_id}", str(tenant))
        while "{" in address:
            address = address[: address.index("{")] + str(uuid4()) + address[address.index("}") + 1 :]
        for body in variants(example):
            answer = await http.request(method, address, content=json.dumps(body).encode(), headers=headers)
            assert answer.status_code < 500, (method, path, body, answer.text)
            if answer.status_code >= 400:
                problem = answer.json()
                assert answer.headers["content-type"] == "application/problem+json"
                assert problem["code"]
                assert problem["detail"]
                assert problem["code"] != "invalid_request" or problem["field"], (path, body, problem)
            tried += 1
    assert tried > 0 or service == "feedback"


@pytest.mark.parametrize("service", sorted(SETTINGS))
async def test_no_query_breaks_it(service: str, api: MakeApi, issuer: Issuer) -> None:
    http = await api(service)
    headers = issuer.headers(uuid4(), "admin")
    for path, item in document(service)["paths"].items():
        operation = item.get("get")
        if operation is None:
            continue
        names = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
        good = {
            "client_id": str(uuid4()),
            "appointment_type": str(uuid4()),
            "from": "2026-03-02T00:00:00Z",
            "to": "2026-03-03T00:00:00Z",
        }
        for odd in (
            "",
            "\u0000",
            "x",
            "-1",
            "9" * 20,
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00+14:00",
        ):
            address = path
            while "{" in address:
                address = address[: address.index("{")] + str(uuid4()) + address[address.index("}") + 1 :]
            for name in names:
                query = {**{key: value for key, value in good.items() if key in names}, name: odd}
                answer = await http.get(address, params=query, headers=headers)
                assert answer.status_code < 500, (path, query, answer.text)
            bad = path
            while "{" in bad:
                bad = bad[: bad.index("{")] + (odd.replace("\u0000", "%00") or "x") + bad[bad.index("}") + 1 :]
            query = {key: value for key, value in good.items() if key in names}
            answer = await http.get(bad, params=query, headers=headers)
            assert answer.status_code < 500, (bad, answer.text)


@pytest.mark.parametrize("odd", [b"\xb2", b'"\xb2"', b"9" * 5_000, b"", b'""', b"W/", b"*a", b"-1", b"1.5", b"\xff"])
async def test_no_header_breaks_a_write(odd: bytes, api: MakeApi, issuer: Issuer) -> None:
    http = await api("booking")
    headers = [(name.encode(), value.encode()) for name, value in issuer.headers(uuid4(), "admin").items()]
    path = f"/v1/appointments/{uuid4()}/cancel"
    answer = await http.post(path, json={}, headers=[*headers, (b"if-match", odd)])
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "if_match_invalid", "If-Match")
    for name in (b"idempotency-key", b"traceparent", b"accept", b"content-type"):
        answer = await http.post(path, content=b"{}", headers=[*headers, (name, odd)])
        assert 400 <= answer.status_code < 500, (name, answer.text)
        assert answer.json()["code"]


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
async def test_a_body_of_another_type_is_told_what_to_be(kind: str, api: MakeApi, issuer: Issuer) -> None:
    http = await api("booking")
    headers = {**issuer.headers(uuid4(), "admin"), "content-type": kind}
    answer = await http.post("/v1/clients", content=b'{"name": "Sam"}', headers=headers)
    found = answer.json()
    assert (answer.status_code, found["code"], found["field"]) == (415, "unsupported_media_type", "Content-Type")


@pytest.mark.parametrize("claim", ["practice_id", "client_id", "provider_id", "role", "scope", "sub"])
@pytest.mark.parametrize("odd", [5, ["a"], {}, True, "x", ""])
async def test_no_claim_of_a_token_breaks_a_service(claim: str, odd: Any, api: MakeApi, issuer: Issuer) -> None:
    """Signed by the issuer, and yet not what a token of Rapport says."""
    http = await api("booking")
    role = odd if claim == "role" else {"client_id": "client", "provider_id": "provider"}.get(claim, "staff")
    claims = {"client_id": str(uuid4()), "provider_id": str(uuid4())} | ({claim: odd} if claim != "role" else {})
    token = issuer.token(uuid4(), role, **claims)
    answer = await http.get("/v1/appointments", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 401, 403), answer.text
    if claim in ("practice_id", "client_id", "provider_id", "role"):
        assert answer.json()["code"] == "token_invalid"


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
async def test_no_time_of_a_token_breaks_a_service(claim: str, api: MakeApi, issuer: Issuer) -> None:
    http = await api("booking")
    odds: list[Any] = [10**400, -(10**400), 1e308, "soon", [], None]
    for odd in odds:
        headers = issuer.headers(uuid4(), "staff", **{claim: odd})
        answer = await http.get("/v1/appointments", headers=headers)
        assert answer.status_code in (200, 401), (odd, answer.text)


@pytest.mark.parametrize("page", [("booking", "/a/{}"), ("feedback", "/s/{}")])
async def test_no_link_breaks_a_page(page: tuple[str, str], api: MakeApi) -> None:
    service, path = page
    http = await api(service)
    for odd in ("x", "%00", "é", "..%2f..", "A" * 64, "_" * 64, "x" * 5000):
        answer = await http.get(path.format(odd), headers={"accept": "text/html"})
        assert 400 <= answer.status_code < 500, (odd, answer.text)
        for form in ({"slot": "\u0000"}, {"barrier": "\u0000"}, {"heard": "\u0000"}, {}):
            for command in ("book", "barrier", "rating"):
                answer = await http.post(f"{path.format(odd)}/{command}", data=form)
                assert 400 <= answer.status_code < 500, (odd, form, answer.text)
