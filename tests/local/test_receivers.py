"""The local carrier and mail server: they keep, report, pass on and refuse as real ones do."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from deploy.local.ports import free_port
from deploy.local.receivers.__main__ import create_app
from deploy.local.receivers.carrier import sign
from deploy.local.receivers.store import Store
from tests.support.serving import serve
from tests.support.streams import eventually

ACCOUNT, TOKEN = "AC1", "secret"


class Bench:
    """The receivers, and a service that their webhooks go to."""

    def __init__(
        self, http: httpx.AsyncClient, hooks: list[tuple[str, dict[str, str], str]], url: str, app: FastAPI
    ) -> None:
        self.http, self.hooks, self.url, self.app = http, hooks, url, app

    async def send(self, token: str | None = None, auth: Any = (ACCOUNT, TOKEN), **form: str) -> httpx.Response:
        headers = {"I-Twilio-Idempotency-Token": token} if token else {}
        data = {"To": "+12025550123", "From": "+12025550111", "Body": "hello", **form}
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        return await self.http.post(path, data={k: v for k, v in data.items() if v}, headers=headers, auth=auth)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    hooks: list[tuple[str, dict[str, str], str]] = []
    service = FastAPI()

    @service.post("/{path:path}")
    async def hook(request: Request) -> None:
        form = {name: str(value) for name, value in (await request.form()).items()}
        hooks.append((str(request.url), form, request.headers["x-twilio-signature"]))

    port = free_port()
    server, task = await serve(service, port)
    url = f"http://127.0.0.1:{port}"
    app = create_app(None, 0, ACCOUNT, TOKEN, url + "/v1/inbound/sms/{practice}")
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://receivers") as http:
            yield Bench(http, hooks, url, app)
    server.should_exit = True
    await task


async def test_a_text_is_kept_and_reported_by_signed_callbacks(bench: Bench) -> None:
    answer = await bench.send(StatusCallback=f"{bench.url}/v1/callbacks/sms/p1/m1")
    assert answer.status_code == 201
    assert answer.json()["sid"].startswith("SM")

    async def reported() -> bool:
        return len(bench.hooks) == 2

    await eventually(reported)
    assert [form["MessageStatus"] for _, form, _ in bench.hooks] == ["sent", "delivered"]
    for url, form, signature in bench.hooks:
        assert signature == sign(TOKEN, url, form)
    kept = (await bench.http.get("/api/messages", params={"to": "+12025550123"})).json()["items"]
    assert [(one["text"], one["status"]) for one in kept] == [("hello", "delivered")]


async def test_a_number_that_cannot_be_reached_is_reported_so(bench: Bench) -> None:
    await bench.send(To="+12025550000", StatusCallback=f"{bench.url}/x")

    async def reported() -> bool:
        return len(bench.hooks) == 2

    await eventually(reported)
    assert (bench.hooks[1][1]["MessageStatus"], bench.hooks[1][1]["ErrorCode"]) == ("undelivered", "30003")


@pytest.mark.parametrize("knows", [False, True])
async def test_the_same_idempotency_token_is_the_same_text_where_it_is_told_to_know_them(
    knows: bool, bench: Bench
) -> None:
    bench.app.state.carrier.knows = knows
    first, second = await bench.send("t1"), await bench.send("t1")
    assert (first.json()["sid"] == second.json()["sid"]) is knows
    assert len((await bench.http.get("/api/messages")).json()["items"]) == (1 if knows else 2)


async def test_the_book_counts_what_each_number_has_had(bench: Bench) -> None:
    await bench.send("t1", To="+12025550120")
    for token in ("t2", "t3"):
        await bench.send(token, To="+12025550121")
    every = (await bench.http.get("/api/messages")).json()["items"]
    counted = (await bench.http.get("/api/messages/recipients", params={"channel": "sms"})).json()
    assert counted == {"first_at": every[0]["at"], "recipients": {"+12025550120": 1, "+12025550121": 2}}
    later = (await bench.http.get("/api/messages/recipients", params={"after": every[-1]["at"]})).json()
    assert later == {"first_at": None, "recipients": {}}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [({"To": ""}, 400, 21604), ({"From": ""}, 400, 21603), ({"Body": ""}, 400, 21602)],
)
async def test_what_is_missing_is_refused_with_twilios_code(
    change: dict[str, str], status: int, code: int, bench: Bench
) -> None:
    answer = await bench.send(**change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_wrong_token_is_refused(bench: Bench) -> None:
    answer = await bench.send(auth=(ACCOUNT, "wrong"))
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


async def test_an_answer_is_passed_on_signed_and_stop_is_remembered(bench: Bench) -> None:
    sid = (await bench.send(StatusCallback=f"{bench.url}/v1/callbacks/sms/practice-7/m1")).json()["sid"]
    await bench.http.post(f"/api/sms/{sid}/reply", json={"body": "STOP"})
    [(url, form, signature)] = [hook for hook in bench.hooks if "inbound" in hook[0]]
    assert url.endswith("/v1/inbound/sms/practice-7")
    assert (form["From"], form["Body"]) == ("+12025550123", "STOP")
    assert signature == sign(TOKEN, url, form)
    refused = await bench.send(Body="one more")
    assert refused.json()["code"] == 21610


async def test_who_waits_for_a_message_is_woken_when_it_comes(bench: Bench) -> None:
    waiting = asyncio.create_task(bench.http.get("/api/messages/wait", params={"contains": "special"}))
    await bench.send(Body="ordinary")
    await bench.send(Body="a special one: http://x.test/a/b")
    found = (await asyncio.wait_for(waiting, 5)).json()
    assert found["links"] == ["http://x.test/a/b"]
    late = await bench.http.get("/api/messages/wait", params={"contains": "never", "timeout": "0.05"})
    assert late.status_code == 404


async def test_mails_are_kept_and_a_repetition_is_flagged(bench: Bench) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "hello@maple.example", "sam@example.org", "Your visit"
    mail["Message-ID"] = "<m1@maple.example>"
    mail.set_content("See you. <b>bold</b>")

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", bench.app.state.smtp_port) as server:
            server.send_message(mail)

    for _ in range(2):
        await asyncio.to_thread(send)
    kept = (await bench.http.get("/api/messages", params={"channel": "email"})).json()["items"]
    assert [(one["subject"], one["duplicate"]) for one in kept] == [("Your visit", False), ("Your visit", True)]
    page = (await bench.http.get("/")).text
    assert "Your visit" in page
    assert "<b>bold</b>" not in page


async def test_what_arrived_survives_a_restart(tmp_path: Any) -> None:
    from deploy.local.receivers.store import Message

    store = Store(tmp_path / "messages.jsonl")
    message = Message("SM1", "sms", "out", "+1", "+2", "", "hello")
    await store.add(message)
    message.status = "delivered"
    await store.changed(message)
    assert [(one.id, one.status) for one in Store(tmp_path / "messages.jsonl").messages] == [("SM1", "delivered")]


async def test_a_calendar_that_was_put_is_served_with_its_version(bench: Bench) -> None:
    assert (await bench.http.get("/calendars/rota.ics")).status_code == 404
    assert (await bench.http.put("/calendars/rota.ics", content=b"BEGIN:VCALENDAR")).status_code == 204
    first = await bench.http.get("/calendars/rota.ics")
    assert (first.content, first.headers["content-type"]) == (b"BEGIN:VCALENDAR", "text/calendar; charset=utf-8")
    again = await bench.http.get("/calendars/rota.ics", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await bench.http.put("/calendars/rota.ics", content=b"other")
    changed = await bench.http.get("/calendars/rota.ics", headers={"if-none-match": first.headers["etag"]})
    assert changed.content == b"other"
