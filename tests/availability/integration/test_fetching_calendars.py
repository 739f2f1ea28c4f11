"""Fetching feeds from real servers: only when changed, only so much, only so long, only from the open internet."""

import asyncio
import gzip
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.availability.clients import FeedError, Feeds, check_url
from services.availability.clients.apart import read_apart
from shared.outside import is_public, targets

CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"
Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    """A server that answers each request's head as told; yields its port and the heads that it saw."""
    heads: list[str] = []
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            heads.append(head)
            await answer(head, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the reader went away, as it may
        finally:
            tasks.discard(task)
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield listening.sockets[0].getsockname()[1], heads
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()


def sends(status: str, body: bytes = b"", **headers: str) -> Answer:
    async def answer(_head: str, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return answer


def feeds(port: int, **more: object) -> Feeds:
    return Feeds(insecure_hosts=frozenset({f"127.0.0.1:{port}"}), **more)  # type: ignore[arg-type] # passed on


async def refused(feeds: Feeds, url: str) -> FeedError:
    with pytest.raises(FeedError) as error:
        await feeds.fetch(url)
    assert "secret" not in error.value.detail, "the address is a secret"
    return error.value


async def test_a_feed_comes_with_its_validators_and_later_only_if_it_changed() -> None:
    validators = {"etag": '"7"', "last_modified": "Mon, 02 Mar 2026 15:00:00 GMT"}
    async with server(sends("200 OK", CALENDAR, **validators)) as (port, _):
        fetched = await feeds(port).fetch(f"http://127.0.0.1:{port}/secret.ics")
    assert (fetched.body, fetched.etag, fetched.last_modified) == (CALENDAR, '"7"', validators["last_modified"])
    async with server(sends("304 Not Modified", etag='"7"')) as (port, heads):
        again = await feeds(port).fetch(f"http://127.0.0.1:{port}/secret.ics", fetched.etag, fetched.last_modified)
    assert again.body is None
    assert 'if-none-match: "7"' in heads[0].lower()
    assert "if-modified-since: mon, 02 mar 2026" in heads[0].lower()


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "https://127.0.0.1:{}/"])
async def test_a_trusted_host_is_trusted_at_its_port_only(url: str) -> None:
    async with server(sends("200 OK", CALENDAR)) as (port, heads):
        error = await refused(Feeds(insecure_hosts=frozenset({"127.0.0.1:1"})), url.format(port))
    assert error.code in ("feed_not_https", "feed_address_forbidden")
    assert heads == []


async def test_a_validator_that_cannot_be_sent_back_is_not_kept() -> None:
    async with server(sends("200 OK", CALENDAR, etag='"caf\u00e9"')) as (port, _):
        fetched = await feeds(port).fetch(f"http://127.0.0.1:{port}/")
    assert (fetched.body, fetched.etag) == (CALENDAR, None)


async def test_a_packed_feed_is_unpacked() -> None:
    async with server(sends("200 OK", gzip.compress(CALENDAR), content_encoding="gzip")) as (port, _):
        assert (await feeds(port).fetch(f"http://127.0.0.1:{port}/")).body == CALENDAR


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (sends("200 OK", b"x" * 200_000), "feed_too_large"),
        (sends("200 OK", b"x", content_length="99999999"), "feed_too_large"),
        (sends("200 OK", gzip.compress(b"x" * 50_000_000), content_encoding="gzip"), "feed_too_large"),
        (sends("200 OK", b"no gzip at all", content_encoding="gzip"), "feed_encoding"),
        (sends("200 OK", gzip.compress(CALENDAR)[:-9], content_encoding="gzip"), "feed_encoding"),
        (sends("200 OK", gzip.compress(CALENDAR) + gzip.compress(CALENDAR), content_encoding="gzip"), "feed_encoding"),
        (sends("200 OK", gzip.compress(CALENDAR) + b"x" * 50_000_000, content_encoding="gzip"), "feed_encoding"),
        (sends("200 OK", CALENDAR, content_encoding="br"), "feed_encoding"),
        (sends("200 OK", CALENDAR, content_encoding="deflate"), "feed_encoding"),
        (sends("302 Found"), "feed_redirects"),
        (sends("302 Found", location="https://[bad/"), "feed_redirects"),
        (sends("302 Found", location="//["), "feed_redirects"),
        (sends("302 Found", location="https://user:secret@example.org/"), "feed_url_invalid"),
        (sends("302 Found", location="https://[::ffff:127.0.0.1]/"), "feed_address_forbidden"),
        (sends("302 Found", location="/secret.ics"), "feed_redirects"),
        (sends("302 Found", location="https://10.0.0.1/"), "feed_address_forbidden"),
        (sends("302 Found", location="http://example.org/"), "feed_not_https"),
        (sends("302 Found", location="file:///etc/passwd"), "feed_url_invalid"),
        (sends("304 Not Modified"), "feed_status"),
        (sends("401 Unauthorized"), "feed_status"),
        (sends("404 Not Found"), "feed_status"),
        (sends("410 Gone"), "feed_status"),
        (sends("206 Partial Content", CALENDAR), "feed_status"),
        (sends("500 Oops"), "feed_status"),
        (sends("rubbish"), "feed_unreachable"),
    ],
)
async def test_what_is_no_feed_is_refused_with_its_reason(answer: Answer, code: str) -> None:
    async with server(answer) as (port, heads):
        error = await refused(feeds(port, max_bytes=100_000), f"http://127.0.0.1:{port}/secret.ics")
        assert error.code == code
        assert len(heads) <= 4


async def test_a_bomb_is_never_unpacked_further_than_the_limit() -> None:
    """A packed chunk of 64 KiB may hold 64 MB."""
    bomb = gzip.compress(bytes(200_000_000))
    async with server(sends("200 OK", bomb, content_encoding="gzip")) as (port, _):
        tracemalloc.start()
        try:
            error = await refused(feeds(port, max_bytes=100_000), f"http://127.0.0.1:{port}/")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert error.code == "feed_too_large"
    assert peak < 5_000_000


async def test_a_redirect_within_reason_is_followed() -> None:
    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        there = head.startswith("GET /moved.ics ")
        await (sends("200 OK", CALENDAR) if there else sends("301 Moved", location="/moved.ics"))(head, writer)

    async with server(answer) as (port, heads):
        assert (await feeds(port).fetch(f"http://127.0.0.1:{port}/secret.ics")).body == CALENDAR
    assert len(heads) == 2


async def test_a_server_that_drips_or_hangs_is_cut_off() -> None:
    async def drip(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def hang(_head: str, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    for answer in (drip, hang):
        async with server(answer) as (port, _):
            error = await refused(feeds(port, total_seconds=0.3), f"http://127.0.0.1:{port}/secret.ics")
            assert error.code == "feed_timeout"


async def test_a_resolver_that_hangs_is_cut_off() -> None:
    async def resolver(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    error = await refused(Feeds(resolver=resolver, total_seconds=0.1), "https://calendar.example/secret.ics")
    assert error.code == "feed_timeout"


@pytest.mark.parametrize("status", [404, 410, 503])
async def test_the_status_is_told_and_the_address_is_not(status: int) -> None:
    async with server(sends(f"{status} No")) as (port, _):
        error = await refused(feeds(port), f"http://127.0.0.1:{port}/secret.ics?key=secret")
    assert f"127.0.0.1 answered {status} " in error.detail


async def test_no_cookie_follows_a_redirect() -> None:
    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        there = head.startswith("GET /moved.ics ")
        moved = sends("302 Found", location="/moved.ics", set_cookie="visitor=1; Path=/")
        await (sends("200 OK", CALENDAR) if there else moved)(head, writer)

    async with server(answer) as (port, heads):
        await feeds(port).fetch(f"http://127.0.0.1:{port}/secret.ics")
    assert len(heads) == 2
    assert "cookie" not in heads[1].lower()


async def test_no_proxy_of_the_environment_sees_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        server(sends("200 OK", b"of the proxy")) as (proxy, seen),
        server(sends("200 OK", CALENDAR)) as (port, _),
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert (await feeds(port).fetch(f"http://127.0.0.1:{port}/secret.ics")).body == CALENDAR
        assert seen == []


async def test_the_hop_of_a_redirect_is_resolved_and_checked_anew() -> None:
    """The name that was public when it was asked for the first time leads inside when it is asked again."""
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if (host, port) == ("inside.example", 443) else ["127.0.0.1", "93.184.215.14"]

    async with server(sends("302 Found", location="https://inside.example/secret.ics")) as (port, heads):
        reader = Feeds(insecure_hosts=frozenset({f"open.example:{port}"}), resolver=resolver)
        assert (await refused(reader, f"http://open.example:{port}/")).code == "feed_address_forbidden"
    assert asked == ["open.example", "inside.example"]
    assert len(heads) == 1


async def test_a_name_that_turns_private_gets_no_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.1 stands for a public address and 127.0.0.2 for a private one, so that no test calls the internet."""
    monkeypatch.setattr(targets, "is_public", lambda address: address == "127.0.0.1")
    authority, tls = certificate(tmp_path, "calendar.example")
    answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1", "127.0.0.2"]]

    async def resolver(_host: str, _port: int) -> list[str]:
        return answers.pop(0)

    async with server(sends("200 OK", CALENDAR), tls) as (port, heads):
        reached: list[object] = []

        def called(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            reached.append(writer.get_extra_info("sockname"))
            writer.close()

        private = await asyncio.start_server(called, "127.0.0.2", port)
        reader = Feeds(resolver=resolver, tls=authority)
        url = f"https://calendar.example:{port}/secret.ics"
        assert (await reader.fetch(url)).body == CALENDAR
        assert len(answers) == 2, "the name is asked for once per call"
        for _ in range(2):
            assert (await refused(reader, url)).code == "feed_address_forbidden"
        private.close()
    assert len(heads) == 1
    assert reached == []


async def test_two_names_at_one_address_are_two_connections(tmp_path: Path) -> None:
    """A connection whose certificate was checked for one name carries no request to another."""
    authority, tls = certificate(tmp_path, "calendar.example")
    heads: list[str] = []

    async def resolver(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                location = f"location: https://other.example:{port}/moved.ics".encode()
                writer.write(b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n" + location + b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()

    listening = await asyncio.start_server(keep, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    trusted = frozenset({f"calendar.example:{port}", f"other.example:{port}"})
    error = await refused(
        Feeds(insecure_hosts=trusted, resolver=resolver, tls=authority), f"https://calendar.example:{port}/secret.ics"
    )
    listening.close()
    assert error.code == "feed_unreachable", "the certificate is not for the second name"
    assert len(heads) == 1


async def test_an_international_name_is_asked_for_as_it_goes_over_the_wire() -> None:
    async def resolver(host: str, _port: int) -> list[str]:
        assert host == "xn--bcher-kva.example"
        return ["127.0.0.1"]

    async with server(sends("200 OK", CALENDAR)) as (port, heads):
        reader = Feeds(insecure_hosts=frozenset({f"xn--bcher-kva.example:{port}"}), resolver=resolver)
        assert (await reader.fetch(f"http://b\u00fccher.example:{port}/a.ics")).body == CALENDAR
    assert f"host: xn--bcher-kva.example:{port}" in heads[0].lower()


@pytest.mark.parametrize("url", ["https://[::1/", "nonsense", "https://a:b@calendar.example/"])
async def test_fetching_what_is_no_address_is_a_refusal_too(url: str) -> None:
    assert (await refused(Feeds(), url)).code == "feed_url_invalid"


async def test_nobody_there_is_said() -> None:
    async with server(sends("200 OK")) as (port, _):
        pass
    assert (await refused(feeds(port), f"http://127.0.0.1:{port}/secret.ics")).code == "feed_unreachable"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104 -- an address to be refused
        "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "::7f00:1", "fe80::1%eth0",
        "fec0::1", "4000::1", "2001:db8::1", "3fff::1", "2001:2::1", "192.0.0.8", "192.0.2.1", "192.88.99.1",
        "240.0.0.1", "64:ff9b::808:808", "2002:808:808::1", "::ffff:0:7f00:1",
        "127.1", "2130706433", "nonsense", "168.63.129.16",
    ],
)  # fmt: skip
async def test_an_address_that_is_not_public_is_never_called(address: str) -> None:
    assert not is_public(address)

    async def resolver(_host: str, _port: int) -> list[str]:
        return ["93.184.215.14", address]

    assert (
        await refused(Feeds(resolver=resolver), "https://calendar.example/secret.ics")
    ).code == "feed_address_forbidden"


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


async def test_a_name_that_leads_elsewhere_a_moment_later_changes_nothing(tmp_path: Path) -> None:
    """The address that was checked is the one that is called, and the certificate is still checked for the name."""
    authority, tls = certificate(tmp_path, "calendar.example")
    asked: list[str] = []

    async def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async with server(sends("200 OK", CALENDAR), tls) as (port, heads):
        trusted = frozenset({f"calendar.example:{port}", f"other.example:{port}"})
        reader = Feeds(insecure_hosts=trusted, resolver=resolver, tls=authority)
        assert (await reader.fetch(f"https://calendar.example:{port}/secret.ics")).body == CALENDAR
        assert f"host: calendar.example:{port}" in heads[0].lower()
        assert asked == ["calendar.example"]
        asked.clear()
        assert (await refused(reader, f"https://other.example:{port}/secret.ics")).code == "feed_unreachable"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://calendar.example/a.ics", "feed_not_https"),
        ("ftp://calendar.example/a.ics", "feed_not_https"),
        ("https://user:secret@calendar.example/a.ics", "feed_url_invalid"),
        ("https:///a.ics", "feed_url_invalid"),
        ("https://calendar.example:99999/", "feed_url_invalid"),
        ("https://[::1/", "feed_url_invalid"),
        ("nonsense", "feed_url_invalid"),
        ("https://calendar example/a.ics", "feed_url_invalid"),
        ("https://calendar.example,org/a.ics", "feed_url_invalid"),
        ("https://.example.org/a.ics", "feed_url_invalid"),
        ("https://calendar..example.org/a.ics", "feed_url_invalid"),
        ("https://127.0.0.1/a.ics", "feed_address_forbidden"),
        ("https://2130706433/a.ics", "feed_address_forbidden"),
        ("https://[::ffff:127.0.0.1]/a.ics", "feed_address_forbidden"),
    ],
)
def test_an_address_that_can_not_be_a_feed_is_refused_at_once(url: str, code: str) -> None:
    with pytest.raises(FeedError) as error:
        check_url(url, frozenset())
    assert error.value.code == code


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A certificate for a name that signs itself: (what trusts it, what serves it)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    long_ago, far_ahead = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=36_500)
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.2"))])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), long_ago, far_ahead)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    both = folder / "server.pem"
    both.write_bytes(key.private_bytes(pem, *plain) + made.public_bytes(pem))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(both)
    trusting = ssl.create_default_context(cadata=made.public_bytes(pem).decode())
    return trusting, serving


BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
WEEKLY = (
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20200106T150000Z\r\nDURATION:PT1H\r\n"
    b"RRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


async def test_a_feed_is_read_in_a_process_of_its_own() -> None:
    found = await Feeds().busy(WEEKLY, "America/New_York", BEGIN, BEGIN + timedelta(days=10))
    assert found == [(BEGIN + timedelta(days=day, hours=15), BEGIN + timedelta(days=day, hours=16)) for day in (1, 8)]
    with pytest.raises(FeedError) as error:
        await Feeds().busy(
            WEEKLY.replace(b"WEEKLY", b"SECONDLY"), "America/New_York", BEGIN, BEGIN + timedelta(days=10)
        )
    assert (error.value.code, error.value.line) == ("feed_recurrence", 6)


async def test_a_feed_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(FeedError) as error:
        await read_apart(WEEKLY, "America/New_York", BEGIN, BEGIN + timedelta(days=10), seconds=0.01)
    assert error.value.code == "feed_too_complex"
