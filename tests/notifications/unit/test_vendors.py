"""Vendors: what they are told, how their answers are taken, and when they are left alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any, ClassVar
from urllib.parse import parse_qs
from uuid import UUID, uuid4
from xml.etree import ElementTree

import httpx
import pytest
from aiosmtpd.smtp import SMTP

from services.notifications.clients import booking, mail, phone
from services.notifications.clients.breaker import FAILURES, Breaker
from services.notifications.clients.carriers import Carriers
from services.notifications.clients.mail import MailServer, composed
from services.notifications.clients.outbound import (
    CarrierRefused,
    CarrierUnavailable,
    Outbound,
    OutcomeUnknown,
    digest_of,
)
from services.notifications.clients.phone import PhoneCarrier, Taken, spoken
from services.notifications.domain.model import Begun
from tests.support.build import NOW
from tests.support.lines import Line

MESSAGE = Outbound(
    id=UUID(int=7),
    to="+12025550123",
    sender="+12025550111",
    subject="",
    body="Maple: see you",
    callback_url="https://care.test/cb",
)

MAIL = replace(MESSAGE, to="a@b.example", sender="hello@maple.example")


NO_NAMES: tuple[Any, ...] = ("SM\x00", "\ud800", "", None, {}, "S" * 500_000, "SM\n1")


def carrier(line: Line, kind: Any = "sms", **more: Any) -> PhoneCarrier:
    return PhoneCarrier(kind, kind, "https://carrier.test/", "AC1", "secret", line, lambda: NOW, **more)


def answer(status: int, body: Any, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=body if isinstance(body, bytes) else json.dumps(body), headers=headers)


async def test_a_text_goes_with_its_id_as_token_and_the_address_to_report_to() -> None:
    line = Line(answer(201, {"sid": "SM1"}))
    assert await carrier(line).send(MESSAGE) == "SM1"
    [asked] = line.asked
    assert str(asked.url) == "https://carrier.test/2010-04-01/Accounts/AC1/Messages.json"
    assert asked.headers["i-twilio-idempotency-token"] == str(MESSAGE.id)
    assert parse_qs(asked.content.decode()) == {
        "To": ["+12025550123"],
        "From": ["+12025550111"],
        "Body": ["Maple: see you"],
        "StatusCallback": ["https://care.test/cb"],
    }


async def test_a_second_carrier_sends_from_its_own_number() -> None:
    line = Line(answer(201, {"sid": "SM1"}))
    await carrier(line, own_number="+12025550199").send(MESSAGE)
    assert parse_qs(line.asked[0].content.decode())["From"] == ["+12025550199"]


async def test_a_call_says_its_words_twice_whatever_signs_they_have() -> None:
    line = Line(answer(201, {"sid": "CA1"}))
    assert await carrier(line, "voice").send(MESSAGE) == "CA1"
    assert line.asked[0].url.path.endswith("/Calls.json")
    said = ElementTree.fromstring(spoken("Tom & <Jerry>", "es"))  # noqa: S314 # our own words
    assert [(one.text, one.attrib) for one in said.iter("Say")] == [("Tom & <Jerry>", {"language": "es-US"})] * 2


@pytest.mark.parametrize(
    ("code", "because"),
    [(21610, "opt_out"), (21614, "address"), (21211, "address"), (30006, "address"), (21602, "message")],
)
async def test_a_refusal_says_what_is_in_the_way(code: int, because: str) -> None:
    with pytest.raises(CarrierRefused) as refused:
        await carrier(Line(answer(400, {"code": code, "message": "no"}))).send(MESSAGE)
    assert (refused.value.code, refused.value.because) == (f"sms_{code}", because)


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_of_what_has_broken_on_the_way_nobody_knows_whether_it_was_taken(status: int) -> None:
    with pytest.raises(OutcomeUnknown, match=f"sms_http_{status}"):
        await carrier(Line(answer(status, b"<html>broken</html>"))).send(MESSAGE)


@pytest.mark.parametrize("status", [401, 403, 429, 503])
async def test_a_carrier_that_is_overloaded_or_does_not_know_us_has_not_taken_it(status: int) -> None:
    with pytest.raises(CarrierUnavailable) as away:
        await carrier(Line(answer(status, b"<html>busy</html>"))).send(MESSAGE)
    assert (away.value.code, away.value.after) == (f"sms_http_{status}", None)


@pytest.mark.parametrize(
    ("said", "after"),
    [
        ("120", timedelta(minutes=2)),
        ("9999999", timedelta(days=1)),
        (format_datetime(NOW - timedelta(hours=1)), timedelta(0)),
        (format_datetime(NOW + timedelta(minutes=7)), timedelta(minutes=7)),
        (format_datetime(NOW + timedelta(days=900)), timedelta(days=1)),
        ("9" * 5000, timedelta(days=1)),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("Mon, 01 Jan 2026 00:00:00 +9999999999999999999999", None),
    ],
)
async def test_when_it_wants_to_be_asked_again_is_heeded(said: str, after: timedelta | None) -> None:
    with pytest.raises(CarrierUnavailable) as away:
        await carrier(Line(answer(429, {}, **{"retry-after": said}))).send(MESSAGE)
    assert away.value.after == after


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ConnectTimeout("no")])
async def test_where_nobody_answered_nothing_was_sent(error: Exception) -> None:
    with pytest.raises(CarrierUnavailable) as away:
        await carrier(Line(error)).send(MESSAGE)
    assert away.value.code == "sms_away"


@pytest.mark.parametrize(
    "silence",
    [
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        answer(200, b"<html>thanks</html>"),
        answer(201, {"status": "queued"}),
        answer(201, ["SM1"]),
        answer(400, b"nonsense"),
        answer(400, {"code": "many"}),
        answer(400, {"code": True}),
        answer(400, b'{"code": 1e999}'),
        answer(400, {"code": 10**12}),
        answer(302, {"code": 5}),
        answer(400, b"[" * 900_000),
        answer(201, b"[" * 900_000),
        *(answer(201, {"sid": sid}) for sid in NO_NAMES),
    ],
)
async def test_what_cannot_be_understood_may_have_been_taken(silence: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        await carrier(Line(silence)).send(MESSAGE)


async def test_a_carrier_is_asked_what_became_of_a_message() -> None:
    assert await carrier(Line(answer(200, {"status": "delivered", "error_code": None}))).status("SM1") == (
        "delivered",
        None,
    )
    line = Line(answer(200, {"status": "undelivered", "error_code": 30003}))
    assert await carrier(line).status("SM1") == ("undelivered", 30003)
    assert line.asked[0].url.path.endswith("/Messages/SM1.json")
    with pytest.raises(CarrierRefused):
        await carrier(Line(answer(404, {"code": 20404}))).status("SM1")


def test_a_mail_has_two_forms_its_id_a_way_out_and_a_calendar_file() -> None:
    mail = composed(
        Outbound(
            id=MESSAGE.id,
            to="sam@example.org",
            sender="hello@maple.example",
            subject="Your visit",
            body="In words",
            html="<p>In <b>colour</b></p>",
            unsubscribe_url="https://care.test/u/1",
            calendar=b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
            calendar_method="CANCEL",
        )
    )
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar"]
    assert mail["Message-ID"] == f"<{MESSAGE.id}@maple.example>"
    assert mail["List-Unsubscribe"] == "<https://care.test/u/1>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    *_, file = mail.walk()
    assert file.get_param("method") == "CANCEL"


class Hours:
    """A clock for breakers."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_after_some_failures_in_a_row_it_is_left_alone_then_one_goes_to_look() -> None:
    clock = Hours()
    breaker = Breaker("sms", clock)
    for _ in range(FAILURES - 1):
        breaker.failed(None)
        assert not breaker.is_open
    breaker.failed(None)
    assert breaker.is_open
    with pytest.raises(CarrierUnavailable) as alone:
        breaker.enter()
    assert (alone.value.code, alone.value.after) == ("sms_left_alone", timedelta(seconds=5))
    clock.now += 5
    breaker.enter()
    assert breaker.is_open, "one has gone to look; the others wait"
    with pytest.raises(CarrierUnavailable):
        breaker.enter()
    breaker.failed(None)
    clock.now += 9.9
    assert breaker.is_open, "each time twice as long"
    clock.now += 0.2
    breaker.enter()
    breaker.worked()
    assert not breaker.is_open
    breaker.failed(None)
    assert not breaker.is_open, "it begins to count anew"


def test_it_is_left_alone_at_once_where_it_asks_for_that() -> None:
    clock = Hours()
    breaker = Breaker("sms", clock)
    breaker.failed(timedelta(seconds=30))
    clock.now += 29
    assert breaker.is_open
    clock.now += 1
    assert not breaker.is_open
    breaker.failed(timedelta(hours=1))
    for _ in range(5):
        breaker.failed(timedelta(seconds=1))
        breaker.failed(None)
    clock.now += 3599
    assert breaker.is_open, "as long as it says, whichever message asks"
    clock.now += 1
    assert not breaker.is_open


def test_those_that_were_under_way_when_it_was_left_alone_leave_it_alone_no_longer() -> None:
    clock = Hours()
    breaker = Breaker("sms", clock)
    for _ in range(32):
        breaker.enter()
    for _ in range(32):
        breaker.failed(None)
    clock.now += 5.1
    assert not breaker.is_open
    breaker.enter()
    breaker.failed(None)
    clock.now += 9.9
    assert breaker.is_open, "who looked and found it as before leaves it alone for twice as long"
    clock.now += 0.2
    assert not breaker.is_open


def test_who_fails_again_and_again_and_asks_for_no_time_is_left_alone_all_the_same() -> None:
    breaker = Breaker("sms", Hours())
    for _ in range(FAILURES):
        assert not breaker.is_open
        breaker.failed(timedelta(0))
    assert breaker.is_open


def test_only_the_one_that_goes_to_look_can_give_that_up() -> None:
    clock = Hours()
    breaker = Breaker("sms", clock)
    long_there = breaker.enter()
    for _ in range(FAILURES):
        breaker.failed(None)
    clock.now += 5.1
    looks = breaker.enter()
    breaker.left(long_there)
    assert breaker.is_open, "one is still there to look"
    breaker.left(looks)
    assert not breaker.is_open, "the next one may look"


async def test_a_vendor_is_chosen_that_is_not_left_alone_and_has_not_just_failed() -> None:
    one, two = Line(httpx.ConnectError("no")), Line(answer(201, {"sid": "SM2"}))
    first, second = carrier(one), replace(carrier(two), name="sms_2")
    carriers = Carriers({"sms": (first, second)})
    assert carriers.choose("sms") is first
    assert carriers.choose("sms", failed="sms") is second
    assert carriers.choose("sms", failed="sms_2") is first
    for _ in range(FAILURES):
        with pytest.raises(CarrierUnavailable) as away:
            await carriers.hand_over("sms", first, MESSAGE)
        assert away.value.vendor == "sms"
    assert carriers.choose("sms") is second
    assert carriers.choose("sms", failed="sms_2") is second, "the other one is left alone"
    given = await carriers.hand_over("sms", second, MESSAGE)
    assert (given.vendor, given.carrier_id) == ("sms_2", "SM2")
    asked = len(one.asked)
    with pytest.raises(CarrierUnavailable):
        await carriers.hand_over("sms", first, Outbound(uuid4(), "+1", "+1", "", "x"))
    assert len(one.asked) == asked, "who is left alone isn't asked"


async def test_a_refusal_is_an_answer_and_no_failure_of_the_vendor() -> None:
    line = Line(answer(400, {"code": 21614}))
    vendor = carrier(line)
    carriers = Carriers({"sms": (vendor,)})
    for _ in range(FAILURES + 1):
        with pytest.raises(CarrierRefused):
            await carriers.hand_over("sms", vendor, MESSAGE)
    assert len(line.asked) == FAILURES + 1


async def test_a_mail_server_that_answers_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        try:
            while True:
                writer.write(b"250-and\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)
        except OSError:
            writer.close()

    monkeypatch.setattr(mail, "TOTAL_SECONDS", 0.2)
    async with await asyncio.start_server(endless, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(7):
            with pytest.raises(OutcomeUnknown):
                await MailServer("email", "127.0.0.1", port, None, None, False).send(MAIL)


async def test_a_mail_server_that_takes_its_time_to_greet_has_no_mail_yet_and_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its client is locked meanwhile: whoever says STOP would be turned away."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for line in (b"220-wait\r\n" for _ in range(100)):
                writer.write(line)
                await writer.drain()
                await asyncio.sleep(0.02)
        except OSError:
            writer.close()

    monkeypatch.setattr(mail, "CONNECT_SECONDS", 0.2)
    assert mail.CONNECT_SECONDS < mail.TOTAL_SECONDS
    async with await asyncio.start_server(slow, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(1):
            with pytest.raises(CarrierUnavailable, match="mail_server_away"):
                await MailServer("email", "127.0.0.1", port, None, None, False).send(MAIL)


def test_a_client_is_locked_for_less_time_than_a_stop_waits() -> None:
    """In one transaction a text may be refused late and a mail go then, booking asked before each."""
    assert 2 * booking.TIMEOUT_SECONDS + phone.TIMEOUT_SECONDS + mail.TOTAL_SECONDS < 25


MALFORMED = ("anna@gmail.com.", "anna@gmail..com", "anna:bob@gmail.com", "anna@g[mail.com", "anna[at]@gmail.com", "")


@pytest.mark.parametrize("address", MALFORMED)
@pytest.mark.parametrize("whose", ["to", "sender"])
async def test_an_address_that_is_none_is_refused_and_says_nothing_of_the_server(whose: str, address: str) -> None:
    class Takes:
        taken: ClassVar[list[Any]] = []

        async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
            self.taken.append(envelope)
            return "250 OK"

    async with mails_to(Takes()) as server:
        carriers = Carriers({"email": (server,)})
        good = MAIL
        for _ in range(FAILURES + 1):
            with pytest.raises(CarrierRefused, match="address_malformed") as refused:
                await carriers.hand_over("email", server, replace(good, **{whose: address}))  # type: ignore[arg-type] # an address
        assert refused.value.because == ("address" if whose == "to" else "message")
        assert Takes.taken == []
        await carriers.hand_over("email", server, good)


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        (partial(replace, to="anna@exämple.org"), "address"),
        (partial(replace, returns_to="anna@exämple.org"), "message"),
    ],
)
async def test_an_address_that_the_server_cannot_write_is_refused(
    changed: Callable[[Outbound], Outbound], because: str
) -> None:
    class Old:
        async def handle_EHLO(self, _server: Any, session: Any, _envelope: Any, hostname: str, _more: Any) -> list[str]:
            session.host_name = hostname
            return ["250 HELP"]

    async with mails_to(Old()) as server:
        with pytest.raises(CarrierRefused, match="mail_server_unable") as refused:
            await server.send(changed(MAIL))
    assert refused.value.because == because


async def test_a_fault_of_ours_is_no_failure_of_the_vendor() -> None:
    broken = Broken()
    carriers = Carriers({"sms": (broken,)})
    for _ in range(FAILURES + 1):
        with pytest.raises(ValueError, match="ours"):
            await carriers.hand_over("sms", broken, MESSAGE)
    assert not carriers.breakers["sms"].is_open


@dataclass
class Broken:
    """Fails before it asks anybody."""

    name: str = "sms"
    knows_repetitions: bool = True

    async def send(self, message: Outbound) -> str:
        raise ValueError(f"ours: {message.id}")


@pytest.mark.parametrize("between", ["\u2028", "\u2029", "\x85", "\x0b", "\r\n", "\n"])
def test_a_subject_is_one_line_whatever_is_in_it(between: str) -> None:
    words = replace(MAIL, subject=f"One{between}Bcc: x@y.example")
    assert composed(words)["Subject"] == "One Bcc: x@y.example"


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ("550 No such user here", "address"),
        ("550 5.1.1 No such user here", "address"),
        ("550 5.2.1 The mailbox is disabled", "address"),
        ("550 5.7.1 Service unavailable; client host blocked using zen.spamhaus.org", "message"),
        ("550 Blocked: see our DNSBL", "message"),
        ("550 5.2.2 The mailbox is full", "message"),
        ("550 5.1.8 Bad sender's system address", "message"),
        ("554 5.1.1 No such user here", "message"),
    ],
)
async def test_what_a_server_minds_of_the_sender_says_nothing_of_the_address(said: str, because: str) -> None:
    class Refuses:
        async def handle_RCPT(self, *_: Any) -> str:
            return said

    async with mails_to(Refuses()) as server:
        with pytest.raises(CarrierRefused, match="smtp_55") as refused:
            await server.send(MAIL)
    assert refused.value.because == because


async def test_a_full_mailbox_is_no_failure_of_the_server_that_has_others() -> None:
    class OneIsFull:
        taken: ClassVar[list[str]] = []

        async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:
            if address == "full@example.org":
                return "452 mailbox full"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
            self.taken.extend(envelope.rcpt_tos)
            return "250 OK"

    async with mails_to(OneIsFull()) as server:
        carriers = Carriers({"email": (server,)})
        for _ in range(FAILURES + 1):
            with pytest.raises(CarrierUnavailable, match="smtp_452"):
                await carriers.hand_over("email", server, replace(MAIL, to="full@example.org"))
        await carriers.hand_over("email", server, replace(MAIL, to="other@example.org"))
    assert OneIsFull.taken == ["other@example.org"]


@asynccontextmanager
async def mails_to(handler: Any) -> AsyncIterator[MailServer]:
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: SMTP(handler, hostname="localhost", loop=loop), "127.0.0.1", 0) as one:
        yield MailServer("email", "127.0.0.1", one.sockets[0].getsockname()[1], None, None, starttls=False)


async def test_a_carrier_that_asks_for_time_is_not_asked_what_became_of_a_message_either() -> None:
    line = Line(answer(429, {}, **{"Retry-After": "600"}))
    vendor = carrier(line)
    carriers = Carriers({"sms": (vendor,)})
    with pytest.raises(CarrierUnavailable, match="sms_http_429"):
        await carriers.status("sms", "sms", "SM1")
    for again in (carriers.status("sms", "sms", "SM2"), carriers.hand_over("sms", vendor, MESSAGE)):
        with pytest.raises(CarrierUnavailable, match="sms_left_alone"):
            await again
    assert len(line.asked) == 1


def listed(*items: dict[str, Any], kind: str = "messages") -> httpx.Response:
    return answer(200, {kind: list(items)})


def one(sid: str, at: datetime, **more: Any) -> dict[str, Any]:
    usual = {"to": MESSAGE.to, "body": "see you", "direction": "outbound-api"}
    return {"sid": sid, "date_created": format_datetime(at), **usual, **more}


async def test_what_a_carrier_has_taken_is_read_from_its_list() -> None:
    minute = timedelta(minutes=1)
    others = one("SM-reply", NOW, direction="outbound-reply"), one("SM-else", NOW, to="+12025550199")
    line = Line(listed(one("SM3", NOW + minute), *others, one("SM2", NOW), one("SM1", NOW - minute)))
    assert await carrier(line).taken("+12025550123", "+12025550111", NOW) == [
        Taken(NOW, "SM2", digest_of("see you")),
        Taken(NOW + minute, "SM3", digest_of("see you")),
    ]
    [asked] = line.asked
    assert asked.method == "GET"
    assert asked.url.path == "/2010-04-01/Accounts/AC1/Messages.json"
    query = {"To": "+12025550123", "From": "+12025550111", "PageSize": "100"}
    assert dict(asked.url.params) == query


async def test_calls_are_in_a_list_of_their_own_and_a_second_carrier_has_its_own_number() -> None:
    line = Line(listed(one("CA1", NOW, body=None), kind="calls"))
    found = await carrier(line, "voice", own_number="+13035550100").taken("+12025550123", "+12025550111", NOW)
    assert found == [Taken(NOW, "CA1", None)]
    assert line.asked[0].url.path.endswith("/Calls.json")
    assert line.asked[0].url.params["From"] == "+13035550100"


@pytest.mark.parametrize(
    "said",
    [
        *({}, [], None, {"messages": None}, {"messages": [None]}, {"messages": [{}]}),
        {"messages": [{"sid": "SM1", "date_created": "yesterday"}]},
        {"messages": [{"sid": "SM\x00", "date_created": format_datetime(NOW)}]},
        {"messages": [{"sid": "SM1", "date_created": None}]},
    ],
)
async def test_a_list_that_cannot_be_read_is_none_and_no_failure_of_the_carrier(said: Any) -> None:
    carriers = Carriers({"sms": (carrier(Line(answer(200, said))),)})
    for _ in range(FAILURES + 1):
        assert await carriers.taken(BEGUN) is None
    assert "sms" not in carriers.breakers, "sending has a breaker of its own"


async def test_a_moment_without_a_zone_is_utc() -> None:
    line = Line(answer(200, {"messages": [one("SM1", NOW) | {"date_created": NOW.strftime("%d %b %Y %X -0000")}]}))
    [found] = await carrier(line).taken(MESSAGE.to, MESSAGE.sender, NOW)
    assert found.at == NOW


BEGUN = Begun(MESSAGE.id, "sms", "sms", NOW, MESSAGE.to, MESSAGE.sender, digest_of(MESSAGE.body))


async def test_a_carrier_without_a_list_leaves_it_unknown_and_one_that_is_away_is_asked_later() -> None:
    away = Carriers({"sms": (carrier(Line(answer(503, {}))),)})
    with pytest.raises(CarrierUnavailable):
        await away.taken(BEGUN)
    for absent in (
        answer(404, {"code": 20404}),
        answer(404, b"<html>"),
        answer(405, b""),
        answer(501, b""),
    ):
        assert await Carriers({"sms": (carrier(Line(absent)),)}).taken(BEGUN) is None
    mails = Carriers({"email": (MailServer("email", "x", 1, None, None, False),), "sms": ()})
    assert await mails.taken(replace(BEGUN, channel="email", vendor="email")) is None
    assert await mails.taken(replace(BEGUN, vendor="gone")) is None
