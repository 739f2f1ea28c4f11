"""Third-party apps hear of events, over real HTTP against real PostgreSQL."""

import asyncio
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI, Request, Response
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext
from sqlalchemy import text

from deploy.local.ports import free_port
from services.notifications import jobs
from services.notifications.clients.breaker import FAILURES, Breaker
from services.notifications.clients.hooks import Hooks
from services.notifications.consumers import HANDLERS, MANY, WANTED
from services.notifications.use_cases.webhooks import attempt
from shared.contracts import Envelope, Event
from shared.contracts.booking import AppointmentBooked, AppointmentMissed
from shared.contracts.feedback import BarrierReported
from shared.contracts.notifications import MessageSent
from shared.handling import Arrived
from shared.timers import TimerRunner
from tests.notifications.conftest import Practice
from tests.notifications.visits import visit
from tests.support.serving import serve

pytestmark = pytest.mark.servers


@dataclass
class App:
    """A third-party app that keeps what it was told; `answers` come before its usual 200."""

    port: int
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    slow: bool = False
    leads_to: str = ""
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """What happens while it is called."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/hook")
        async def hook(request: Request) -> Response:
            self.heard.append((dict(request.headers), await request.body()))
            if self.meanwhile is not None:
                await self.meanwhile()
            if self.slow:
                await asyncio.sleep(5)
            headers = {"location": self.leads_to} if self.leads_to else {}
            return Response(b"x" * 1_000_000, self.answers.pop(0) if self.answers else 200, headers=headers)

        return app


@pytest.fixture
async def app(practice: Practice) -> AsyncIterator[App]:
    one = App(free_port())
    server, task = await serve(one.app(), one.port)
    hooks = Hooks(frozenset({f"127.0.0.1:{one.port}"}), total_seconds=1)
    own = practice.http_app.state
    before = own.resources
    own.resources = practice.resources = replace(before, hooks=hooks)
    yield one
    own.resources = before
    server.should_exit = True
    await task


async def add(practice: Practice, app: App, *events: str, expect: int = 201, url: str = "") -> Any:
    body = {"url": url or app.url, "event_types": list(events or ("appointment.booked",))}
    return await call(practice, "POST", "/v1/webhooks", expect, json=body)


async def call(practice: Practice, method: str, path: str, expect: int = 200, **more: Any) -> Any:
    headers = practice.headers("admin") | more.pop("headers", {})
    answer = await practice.http.request(method, path, headers=headers, **more)
    assert answer.status_code == expect, answer.text
    return answer.json() if answer.content else None


async def tell(practice: Practice, event: Event) -> None:
    """As the consumer does it."""
    now = await practice.now()
    envelope: Envelope[Any] = Envelope(uuid4(), practice.tenant, now, event)
    async with practice.resources.database.transaction(practice.tenant) as session:
        await HANDLERS[type(event)](session, envelope, now)


async def deliver(practice: Practice) -> None:
    runner = TimerRunner(practice.resources.database, jobs.webhook_timers(practice.resources))
    for timer in await runner.claim(50):
        await runner.fire(timer)


async def deliveries(practice: Practice, webhook: Any, **query: str) -> list[dict[str, Any]]:
    found = await call(practice, "GET", f"/v1/webhooks/{webhook['id']}/deliveries", params=query)
    return list(found["items"])


async def test_an_app_has_webhooks_of_its_own_and_an_administrator_all(practice: Practice, app: App) -> None:
    """What one app hears, and the secret of it, is no business of another's."""
    here, other = (practice.headers("app", sub=name) for name in ("app-a", "app-b"))
    body = {"url": app.url, "event_types": ["appointment.booked"]}
    mine = await call(practice, "POST", "/v1/webhooks", 201, json=body, headers=here)
    theirs = await add(practice, app)
    assert (await call(practice, "GET", "/v1/webhooks", headers=other))["items"] == []
    assert [one["id"] for one in (await call(practice, "GET", "/v1/webhooks", headers=here))["items"]] == [mine["id"]]
    assert len((await call(practice, "GET", "/v1/webhooks"))["items"]) == 2
    for webhook, caller in ((mine, other), (theirs, here)):
        path = f"/v1/webhooks/{webhook['id']}"
        await call(practice, "PUT", path, 404, json=body, headers=caller)
        await call(practice, "POST", f"{path}/rotate-secret", 404, headers=caller)
        await call(practice, "POST", f"{path}/test", 404, headers=caller)
        await call(practice, "GET", f"{path}/deliveries", 404, headers=caller)
        await call(practice, "POST", f"{path}/deliveries/{uuid4()}/replay", 404, headers=caller)
        await call(practice, "DELETE", path, 404, headers=caller)
    assert len((await call(practice, "GET", "/v1/webhooks"))["items"]) == 2, "nobody removes another's"
    path = f"/v1/webhooks/{mine['id']}"
    await call(practice, "POST", f"{path}/rotate-secret", headers=here)
    await call(practice, "DELETE", path, 204, headers=here)
    assert len((await call(practice, "GET", "/v1/webhooks"))["items"]) == 1


async def test_an_app_that_hangs_is_left_alone_and_its_deliveries_wait_without_a_try(
    practice: Practice, app: App
) -> None:
    webhook = await add(practice, app)
    breaker = practice.resources.hooks.breakers.setdefault(UUID(webhook["id"]), Breaker("webhook"))
    for _ in range(FAILURES):
        breaker.failed(None)
    await tell(practice, await visit(practice))
    await deliver(practice)
    assert app.heard == []
    [one] = await deliveries(practice, webhook)
    assert (one["status"], one["attempts"]) == ("pending", 0)
    practice.resources.hooks.breakers.clear()
    async with practice.resources.database.transaction(practice.tenant) as session:
        await session.execute(text("UPDATE timers SET leased_until = NULL"))
    await deliver(practice)
    [one] = await deliveries(practice, webhook)
    assert (one["status"], one["attempts"]) == ("delivered", 1)


async def test_an_event_that_is_wanted_is_told_with_a_signature_and_ids_only(practice: Practice, app: App) -> None:
    webhook = await add(practice, app)
    booked = await visit(practice)
    await tell(practice, booked)
    await tell(practice, AppointmentBooked.model_validate(booked.model_dump() | {"appointment_id": uuid4()}))
    await deliver(practice)
    assert len(app.heard) == 2
    headers, body = app.heard[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = b64decode(webhook["secret"].removeprefix("whsec_"))
    assert headers["webhook-signature"] == "v1," + b64encode(hmac.new(key, signed, sha256).digest()).decode()
    assert any(str(booked.appointment_id).encode() in told for _, told in app.heard)
    assert [(one["status"], one["answer"], one["attempts"]) for one in await deliveries(practice, webhook)] == [
        ("delivered", "200", 1)
    ] * 2
    assert "secret" not in (await call(practice, "GET", "/v1/webhooks"))["items"][0]


async def test_what_nobody_wants_to_hear_of_is_told_to_nobody(practice: Practice, app: App) -> None:
    webhook = await add(practice, app, "appointment.missed")
    await tell(practice, await visit(practice))
    await deliver(practice)
    assert (app.heard, await deliveries(practice, webhook)) == ([], [])


def message_sent(now: datetime) -> MessageSent:
    about: dict[str, Any] = {"appointment_id": None, "outreach_id": None, "purpose": "reminder", "channel": "sms"}
    about |= {"status": "sent", "reason": None, "due_at": now, "sent_at": now, "delivered_at": None}
    return MessageSent(sequence=2, message_id=uuid4(), client_id=uuid4(), **about)


async def test_many_events_that_wait_are_told_one_by_one(practice: Practice, app: App) -> None:
    """What only apps hear of, such as what this service says itself, is taken in together."""
    webhook = await add(practice, app, "message.sent")
    await add(practice, app, "message.delivered")
    now = await practice.now()
    sent = [message_sent(now) for _ in range(3)]
    arrived = [Arrived(Envelope(uuid4(), practice.tenant, now, one), INVALID_SPAN) for one in sent]
    async with practice.resources.database.transaction(practice.tenant) as session:
        await MANY[MessageSent](session, practice.tenant, arrived, now)
    await deliver(practice)
    assert {json.loads(body)["data"]["message_id"] for _, body in app.heard} == {str(one.message_id) for one in sent}
    assert [one["status"] for one in await deliveries(practice, webhook)] == ["delivered"] * 3


async def test_what_no_app_wants_to_hear_of_is_passed_by(practice: Practice, app: App) -> None:
    async def is_wanted() -> bool:
        async with practice.resources.database.transaction(practice.tenant) as session:
            return await WANTED[MessageSent](session, MessageSent.type)

    await add(practice, app, "message.delivered")
    assert not await is_wanted()
    await add(practice, app, "message.sent")
    assert await is_wanted()
    assert not set(WANTED) & {AppointmentMissed, AppointmentBooked, BarrierReported}, "this service itself wants them"


async def test_of_many_events_that_wait_each_is_told_with_its_own_time_and_in_its_own_trace(
    practice: Practice, app: App
) -> None:
    await add(practice, app, "message.sent")
    now = await practice.now()
    arrived, expected = [], {}
    for number in range(1, 4):
        at, event = now - timedelta(minutes=number), message_sent(now)
        own = NonRecordingSpan(SpanContext(trace_id=number, span_id=number, is_remote=False))
        arrived.append(Arrived(Envelope(uuid4(), practice.tenant, at, event), own))
        expected[str(event.message_id)] = (at, f"00-{number:032x}-{number:016x}-00")
    async with practice.resources.database.transaction(practice.tenant) as session:
        await MANY[MessageSent](session, practice.tenant, arrived, now)
        query = "SELECT payload, traceparent FROM webhook_deliveries AS d JOIN timers ON timers.key = d.id"
        rows = await session.execute(text(query))
        told = [(json.loads(payload), traceparent) for payload, traceparent in rows]
    found = {
        one["data"]["message_id"]: (datetime.fromisoformat(one["timestamp"]), traceparent) for one, traceparent in told
    }
    assert found == expected


async def test_a_failure_is_tried_again_under_the_same_id(practice: Practice, app: App) -> None:
    webhook = await add(practice, app)
    app.answers = [500]
    await tell(practice, await visit(practice))
    await deliver(practice)
    [pending] = await deliveries(practice, webhook)
    assert (pending["status"], pending["answer"], bool(pending["next_at"])) == ("pending", "500", True)
    await practice.come_due("webhook.deliver")
    await deliver(practice)
    assert [one["status"] for one in await deliveries(practice, webhook)] == ["delivered"]
    assert len({headers["webhook-id"] for headers, _ in app.heard}) == 1
    assert len(app.heard) == 2


@pytest.mark.parametrize(("how", "told"), [("redirect", "302"), ("slow", "timeout")])
async def test_it_is_not_followed_elsewhere_nor_waited_for(how: str, told: str, practice: Practice, app: App) -> None:
    webhook = await add(practice, app)
    if how == "redirect":
        app.answers, app.leads_to = [302], app.url
    else:
        app.slow = True
    await tell(practice, await visit(practice))
    await deliver(practice)
    assert len(app.heard) == 1
    assert [(one["status"], one["answer"]) for one in await deliveries(practice, webhook)] == [("pending", told)]


async def test_who_says_gone_hears_no_more_until_somebody_sets_it_going_again(practice: Practice, app: App) -> None:
    webhook = await add(practice, app)
    app.answers = [410]
    await tell(practice, await visit(practice))
    await deliver(practice)
    assert [one["status"] for one in await deliveries(practice, webhook, status="dead")] == ["dead"]
    await tell(practice, await visit(practice))
    await deliver(practice)
    assert len(app.heard) == 1
    [listed] = (await call(practice, "GET", "/v1/webhooks"))["items"]
    assert listed["disabled_because"] == "gone"
    body = {"url": app.url, "event_types": ["appointment.booked"]}
    changed = await call(practice, "PUT", f"/v1/webhooks/{webhook['id']}", json=body)
    assert changed["disabled_because"] is None
    await tell(practice, await visit(practice))
    await deliver(practice)
    assert len(app.heard) == 2


async def test_a_webhook_that_moves_while_its_old_address_says_gone_is_told_at_the_new_one(
    practice: Practice, app: App
) -> None:
    webhook = await add(practice, app)
    path = f"/v1/webhooks/{webhook['id']}"
    moved = {"url": f"{app.url}?moved=1", "event_types": ["appointment.booked"]}

    async def move() -> None:
        app.meanwhile = None
        await call(practice, "PUT", path, json=moved)

    app.answers, app.meanwhile = [410], move
    await tell(practice, await visit(practice))
    await deliver(practice)
    [listed] = (await call(practice, "GET", "/v1/webhooks"))["items"]
    assert (listed["url"], listed["disabled_because"]) == (moved["url"], None)
    assert [(one["status"], one["answer"]) for one in await deliveries(practice, webhook)] == [("pending", "410")]
    await practice.come_due("webhook.deliver")
    await deliver(practice)
    assert [one["status"] for one in await deliveries(practice, webhook)] == ["delivered"]


async def test_a_secret_that_is_changed_while_the_app_says_gone_stays_changed(practice: Practice, app: App) -> None:
    webhook = await add(practice, app)
    path = f"/v1/webhooks/{webhook['id']}"
    told: list[str] = []

    async def rotate() -> None:
        app.meanwhile = None
        told.append((await call(practice, "POST", f"{path}/rotate-secret"))["secret"])

    app.answers, app.meanwhile = [410], rotate
    await tell(practice, await visit(practice))
    await deliver(practice)
    [listed] = (await call(practice, "GET", "/v1/webhooks"))["items"]
    assert listed["disabled_because"] == "gone"
    await call(practice, "PUT", path, json={"url": app.url, "event_types": ["appointment.booked"]})
    await call(practice, "POST", f"{path}/test", 202)
    await deliver(practice)
    headers, body = app.heard[-1]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = b64decode(told[0].removeprefix("whsec_"))
    newest, _ = headers["webhook-signature"].split()
    assert newest == "v1," + b64encode(hmac.new(key, signed, sha256).digest()).decode()


async def test_what_was_given_up_is_replayed_under_its_id(practice: Practice, app: App) -> None:
    webhook = await add(practice, app)
    app.answers = [500] * 8
    await tell(practice, await visit(practice))
    for _ in range(8):
        await practice.come_due("webhook.deliver")
        await deliver(practice)
    [dead] = await deliveries(practice, webhook, status="dead")
    assert (dead["attempts"], dead["next_at"]) == (8, None)
    path = f"/v1/webhooks/{webhook['id']}/deliveries/{dead['id']}/replay"
    await call(practice, "POST", path, 202)
    assert (await call(practice, "POST", path, 409))["code"] == "delivery_pending"
    await deliver(practice)
    assert [one["status"] for one in await deliveries(practice, webhook)] == ["delivered"]
    assert len({headers["webhook-id"] for headers, _ in app.heard}) == 1


async def test_what_one_webhook_was_told_is_not_replayed_as_anothers(practice: Practice, app: App) -> None:
    webhook, other = await add(practice, app), await add(practice, app, "appointment.missed")
    await tell(practice, await visit(practice))
    await deliver(practice)
    [delivered] = await deliveries(practice, webhook)
    path = f"/v1/webhooks/{other['id']}/deliveries/{delivered['id']}/replay"
    assert (await call(practice, "POST", path, 422))["code"] == "not_of_this_webhook"
    assert await deliveries(practice, webhook) == [delivered]


async def test_what_has_arrived_is_not_sent_again_by_a_try_that_comes_late(practice: Practice, app: App) -> None:
    webhook = await add(practice, app)
    await tell(practice, await visit(practice))
    await deliver(practice)
    [delivered] = await deliveries(practice, webhook)
    async with practice.resources.database.transaction(practice.tenant) as session:
        now, id_ = await practice.now(), UUID(delivered["id"])
        await attempt(session, tenant=practice.tenant, delivery_id=id_, now=now, hooks=practice.resources.hooks)
    assert len(app.heard) == 1
    assert await deliveries(practice, webhook) == [delivered]


async def test_a_test_is_sent_and_a_new_secret_signs_beside_the_old_one(practice: Practice, app: App) -> None:
    webhook = await add(practice, app)
    rotated = await call(practice, "POST", f"/v1/webhooks/{webhook['id']}/rotate-secret")
    assert rotated["secret"] != webhook["secret"]
    await call(practice, "POST", f"/v1/webhooks/{webhook['id']}/test", 202)
    await deliver(practice)
    [(headers, body)] = app.heard
    assert b'"type":"webhook.test"' in body
    assert len(headers["webhook-signature"].split()) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "http://app.example.org/"}, "url"),
        ({"url": "x"}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["appointment.eaten"]}, "event_types.0"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(
    body: dict[str, Any], field: str, practice: Practice, app: App
) -> None:
    whole = {"url": "https://app.example.org/", "event_types": ["appointment.booked"], **body}
    refused = await call(practice, "POST", "/v1/webhooks", 422, json=whole)
    assert refused["field"] == field
    assert (await call(practice, "GET", "/v1/webhooks"))["items"] == []


async def test_a_webhook_is_its_practices_alone_and_staff_cannot_make_one(practice: Practice, app: App) -> None:
    webhook = await add(practice, app)
    body = {"url": app.url, "event_types": ["appointment.booked"]}
    refused = await practice.http.post("/v1/webhooks", json=body, headers=practice.headers("staff"))
    assert refused.status_code == 403
    practice.tenant = uuid4()
    await call(practice, "GET", f"/v1/webhooks/{webhook['id']}/deliveries", 404)
    await tell(practice, await visit(practice))
    await deliver(practice)
    assert app.heard == []


async def test_who_is_removed_hears_no_more(practice: Practice, app: App) -> None:
    webhook = await add(practice, app)
    await tell(practice, await visit(practice))
    await call(practice, "DELETE", f"/v1/webhooks/{webhook['id']}", 204)
    await deliver(practice)
    assert app.heard == []
    await call(practice, "DELETE", f"/v1/webhooks/{webhook['id']}", 204)
