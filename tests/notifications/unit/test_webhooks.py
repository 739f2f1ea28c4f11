"""Webhooks by Standard Webhooks: signatures, the schedule of tries, ids only."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.notifications.clients import Unavailable
from services.notifications.clients.breaker import FAILURES
from services.notifications.clients.hooks import Hooks
from services.notifications.domain.webhooks import RETRY_AFTER, Delivery, Webhook, new_secret, payload_of, signature
from shared.outside import OutsideError
from tests.support.build import NOW, appointment_event

HOOK = Webhook(uuid4(), "https://app.example.org/", ("appointment.booked",), new_secret(), NOW)


async def test_an_app_that_hangs_again_and_again_is_left_alone_for_a_while_and_others_are_not() -> None:
    """Else each of its deliveries takes a turn for as long as a call may last, and those of others wait."""
    hung = 0

    async def hangs(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal hung
        hung += 1
        await ended.wait()
        writer.close()

    ended = asyncio.Event()
    server = await asyncio.start_server(hangs, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hooks = Hooks(frozenset({f"127.0.0.1:{port}"}), total_seconds=0.2)
    webhook, url = uuid4(), f"http://127.0.0.1:{port}/"
    answers = await asyncio.gather(*(hooks.call(webhook, url, {}, "{}") for _ in range(FAILURES)))
    assert {answer.told for answer in answers} == {"timeout"}
    with pytest.raises(Unavailable, match="webhook_left_alone"):
        await hooks.call(webhook, url, {}, "{}")
    assert hung == FAILURES
    assert (await hooks.call(uuid4(), url, {}, "{}")).told == "timeout", "another webhook is called"
    ended.set()
    server.close()
    await server.wait_closed()


def test_a_signature_is_the_specifications() -> None:
    secret, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", datetime.fromtimestamp(1614265330, UTC)
    given = signature([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert given == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_after_a_change_of_secrets_both_sign_for_a_day() -> None:
    rotated = HOOK.rotated(NOW)
    assert rotated.secret != HOOK.secret
    assert rotated.secrets_at(NOW + timedelta(hours=23)) == [rotated.secret, HOOK.secret]
    assert rotated.secrets_at(NOW + timedelta(hours=24)) == [rotated.secret]
    assert len(signature(rotated.secrets_at(NOW), "msg_1", NOW, "{}").split()) == 2


def test_it_is_tried_on_schedule_and_then_given_up() -> None:
    delivery = Delivery(uuid4(), HOOK.id, "appointment.booked", "{}", NOW, next_at=NOW)
    waits, now = [], NOW
    while delivery.status == "pending":
        delivery = delivery.failed("500", now)
        if delivery.next_at is not None:
            waits.append(delivery.next_at - now)
            now = delivery.next_at
    assert tuple(waits) == RETRY_AFTER
    assert [wait.total_seconds() for wait in waits] == [5, 300, 1800, 7200, 18000, 36000, 36000]
    assert (delivery.status, delivery.attempts) == ("dead", 8)
    again = delivery.replayed(now)
    assert (again.id, again.status, again.attempts) == (delivery.id, "pending", 0)


def test_a_payload_has_ids_and_nothing_that_says_more() -> None:
    event = appointment_event(reason_code="illness")
    body = json.loads(payload_of(event, NOW))
    assert (body["type"], body["timestamp"]) == ("appointment.booked", "2026-03-02T15:00:00Z")
    assert body["data"]["appointment_id"] == str(event.appointment_id)
    assert {name for name in body["data"] if not name.endswith("_id")} == {"sequence"}
    assert "illness" not in json.dumps(body)
    assert event.start.isoformat()[:16] not in json.dumps(body)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://app.example.org/", "not_https"),
        ("ftp://app.example.org/", "not_https"),
        ("https://169.254.169.254/latest/meta-data", "address_forbidden"),
        ("https://168.63.129.16/machine?comp=goalstate", "address_forbidden"),
        ("https://127.0.0.1/", "address_forbidden"),
        ("https://10.0.0.8/", "address_forbidden"),
        ("https://[::1]/", "address_forbidden"),
        ("https://[::ffff:127.0.0.1]/", "address_forbidden"),
        ("https://[64:ff9b::7f00:1]/", "address_forbidden"),
        ("https://user:word@app.example.org/", "url_invalid"),
        ("https:///nowhere", "url_invalid"),
        ("javascript:alert(1)", "url_invalid"),
    ],
)
def test_an_address_that_is_not_on_the_open_internet_is_refused(url: str, code: str) -> None:
    with pytest.raises(OutsideError) as refused:
        Hooks().check(url)
    assert refused.value.code == code


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fd00::1"])
async def test_a_name_that_leads_inside_is_not_followed_whenever_it_does(address: str) -> None:
    async def resolver(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", address]

    answer = await Hooks(resolver=resolver).call(uuid4(), "https://app.example.org/", {}, "{}")
    assert (answer.ok, answer.told) == (False, "address_forbidden")


async def test_whatever_goes_wrong_is_told_and_never_raised() -> None:
    async def nobody(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    async def nowhere(_host: str, _port: int) -> list[str]:
        return []

    assert (await Hooks(resolver=nobody).call(uuid4(), "https://app.example.org/", {}, "{}")).told.startswith(
        "unreachable"
    )
    assert (await Hooks(resolver=nowhere).call(uuid4(), "https://app.example.org/", {}, "{}")).told == "unreachable"
    closed = Hooks(frozenset({"127.0.0.1:9"}))
    assert (await closed.call(uuid4(), "http://127.0.0.1:9/", {}, "{}")).told.startswith("unreachable")


async def test_a_proxy_of_the_environment_hears_nothing_of_what_apps_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        answer = await Hooks(frozenset({"127.0.0.1:9"})).call(uuid4(), "http://127.0.0.1:9/", {}, "{}")
    assert (heard, answer.told) == ([], "unreachable (ConnectError)")
