"""What requests to others go by, against servers that answer in every way."""

import asyncio
import gzip
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.ports import free_port
from shared.http import checking
from shared.wire import Wire
from tests.notifications.unit.test_mail_over_tls import certificate
from tests.support.streams import eventually

__all__ = ["certificate"]

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[str]:
    """A server that reads a request's head, and does what it will."""

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await answer(head, writer)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    async with await asyncio.start_server(on_connection, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def says(body: bytes, status: int = 200, *headers: str) -> Answer:
    async def answer(_head: bytes, writer: asyncio.StreamWriter) -> None:
        lines = (f"HTTP/1.1 {status} So", f"content-length: {len(body)}", *headers, "", "")
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire(checking())
    yield wire
    await wire.aclose()


@pytest.mark.parametrize("known", [False, True])
async def test_who_cannot_prove_who_they_are_is_told_nothing(
    known: bool, certificate: Callable[[str], tuple[Path, Path]]
) -> None:
    pair = certificate("localhost")
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_tls.load_cert_chain(*pair)
    told: list[bytes] = []

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.append(await reader.readuntil(b"\r\n\r\n"))
        await says(b"{}")(b"", writer)

    wire = Wire(checking())
    if known:
        wire.verify.load_verify_locations(pair[0])
    async with await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=server_tls) as server:
        asked = wire.ask("POST", f"https://localhost:{server.sockets[0].getsockname()[1]}/", seconds=5)
        if known:
            assert (await asked).json() == {}
        else:
            with pytest.raises(httpx.ConnectError):
                await asked
    await wire.aclose()
    assert bool(told) is known


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
async def test_requests_go_by_the_proxy_that_the_environment_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        asked.append(head.splitlines()[0])
        await says(b"")(head, writer)

    async with served(answer) as proxy:
        monkeypatch.setenv(name, proxy)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with aclosing(Wire(checking())) as wire:
            await wire.ask("GET", "http://carrier.example/a", seconds=5)
            with pytest.raises(httpx.ConnectError):
                await wire.ask("GET", f"http://127.0.0.1:{free_port()}/b", seconds=5)
    assert asked == [b"GET http://carrier.example/a HTTP/1.1"]


async def test_a_proxy_that_opens_no_way_has_handed_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(says(b"", 403)) as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        async with aclosing(Wire(checking())) as wire:
            with pytest.raises(httpx.ConnectError):
                await wire.ask("POST", "https://carrier.example/a", form={"To": "+1"}, seconds=5)


async def test_a_request_arrives_as_it_was_made(wire: Wire) -> None:
    asked: list[bytes] = []

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        asked.append(head)
        await says(b"{}", 201, "x-a: 1")(head, writer)

    async with served(answer) as url:
        path, basic = "/a%2Fb?c=d%20e", {"authorization": "Basic YTpi"}
        given = await wire.ask("POST", url + path, headers=basic, form={"To": "+1 2"}, seconds=5)
    assert (given.status, given.json(), given.headers["x-a"]) == (201, {}, "1")
    line, *headers = asked[0].decode().removesuffix("\r\n\r\n").split("\r\n")
    assert line == "POST /a%2Fb?c=d%20e HTTP/1.1"
    assert {name.lower(): value for name, value in (one.split(": ") for one in headers)} == {
        "host": url.removeprefix("http://"),
        "user-agent": "rapport",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "authorization": "Basic YTpi",
        "content-length": "9",
        "content-type": "application/x-www-form-urlencoded",
    }


async def test_where_nobody_listens_nobody_got_it(wire: Wire) -> None:
    with pytest.raises(httpx.ConnectError):
        await wire.ask("POST", f"http://127.0.0.1:{free_port()}/", seconds=5)


async def test_a_connection_that_takes_too_long_was_none(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as nobody_accepts, ExitStack() as waiting:
        address = nobody_accepts.getsockname()
        for _ in range(3):  # more than may wait
            other = waiting.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(address)
        with pytest.raises(httpx.ConnectTimeout):
            await wire.ask("POST", f"http://127.0.0.1:{address[1]}/", seconds=0.5)


async def test_a_name_that_nobody_can_find_in_time_was_nobodys(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    with pytest.raises(httpx.ConnectTimeout):
        await wire.ask("POST", "http://carrier.example/", seconds=0.2)


@pytest.mark.parametrize("url", ["http://a:99999/", f"http://{'a' * 70}.example/", "http://user:pw@127.0.0.1:9/"])
async def test_an_address_that_is_none_is_told_as_an_error_of_http(url: str, wire: Wire) -> None:
    with pytest.raises(httpx.HTTPError):
        await wire.ask("POST", url, headers={"authorization": "Basic YTpi"}, seconds=1)


@pytest.mark.parametrize("late", [b'{"sid": "GHOST"}', b""])
async def test_what_comes_unasked_is_nobodys_answer(late: bytes, wire: Wire) -> None:
    """Else the next text would be on record under another's name, or as refused."""
    taken: list[bytes] = []
    came = asyncio.Event()

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        taken.append(head)
        await says(json.dumps(len(taken)).encode())(head, writer)
        if len(taken) == 1:
            await came.wait()
            await says(late, 201 if late else 503)(head, writer)

    async def arrived(line: Any) -> bool:
        return bool(line.should_close)

    async with served(answer) as url:
        assert (await wire.ask("POST", url, seconds=5)).json() == 1
        pool: Any = wire._opened().connector
        [[(idle, _)]] = pool._conns.values()
        came.set()
        await eventually(lambda: arrived(idle), 5)
        assert (await wire.ask("POST", url, seconds=5)).json() == 2


async def hangs_up(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def breaks_off(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{")
    writer.close()


async def talks_nonsense(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n\r\n")


@pytest.mark.parametrize("answer", [hangs_up, resets, breaks_off, talks_nonsense])
async def test_who_may_have_got_it_is_never_said_to_be_away(answer: Answer, wire: Wire) -> None:
    """A second carrier would be asked, and the client have two texts."""
    async with served(answer) as url:
        with pytest.raises(httpx.HTTPError) as told:
            await wire.ask("POST", url, seconds=5)
    assert isinstance(told.value, httpx.ReadError), told.value


async def test_a_post_is_not_repeated_by_itself(wire: Wire) -> None:
    asked = 0

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await (says(b"{}") if asked == 1 else hangs_up)(head, writer)

    async with served(answer) as url:
        await wire.ask("POST", url, seconds=5)
        with pytest.raises(httpx.ReadError):
            await wire.ask("POST", url, seconds=5)
    assert asked == 2


async def drips(_head: bytes, writer: asyncio.StreamWriter) -> None:
    """Sends a byte now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def says_nothing(_head: bytes, _writer: asyncio.StreamWriter) -> None:
    pass


@pytest.mark.parametrize("answer", [drips, says_nothing])
async def test_an_answer_is_waited_for_no_longer_than_said(answer: Answer, wire: Wire) -> None:
    async with served(answer) as url, asyncio.timeout(10):
        with pytest.raises(httpx.ReadTimeout):
            await wire.ask("GET", url, seconds=0.2)


async def test_a_huge_answer_is_not_read_whole(wire: Wire) -> None:
    ended = asyncio.Event()

    async def without_end(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 1000)
                await writer.drain()
        except OSError:
            ended.set()

    async with served(without_end) as url, asyncio.timeout(10):
        with pytest.raises(httpx.ReadError, match="5000 bytes"):
            await wire.ask("GET", url, seconds=5, most=5000)
        await ended.wait()


async def test_the_next_request_finds_the_line_free_after_an_answer_that_was_too_long(wire: Wire) -> None:
    async with served(says(b"x" * 100_000)) as url:
        for _ in range(3):
            with pytest.raises(httpx.ReadError, match="5000 bytes"):
                await wire.ask("GET", url, seconds=5, most=5000)


async def test_what_is_packed_is_unpacked_once(wire: Wire) -> None:
    async with served(says(gzip.compress(b'{"a": 1}'), 201, "content-encoding: gzip")) as url:
        answer = await wire.ask("POST", url, seconds=5)
    assert (answer.status, answer.json()) == (201, {"a": 1})


async def test_nobody_is_sent_elsewhere(wire: Wire) -> None:
    async with served(says(b"", 302, "location: http://127.0.0.1:9/")) as url:
        answer = await wire.ask("GET", url, seconds=5)
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:9/")


async def test_many_at_a_time_get_their_own_answers(wire: Wire) -> None:
    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0)
        await says(json.dumps(head.split()[1].decode()).encode())(head, writer)

    async with served(answer) as url:
        asked = [wire.ask("GET", f"{url}/{number}", seconds=20) for number in range(300)]
        assert [one.json() for one in await asyncio.gather(*asked)] == [f"/{number}" for number in range(300)]
