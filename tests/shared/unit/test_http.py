"""The client for other services."""

import asyncio
import gzip
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from shared.http import POOLS, Spread, ask, open_http


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def contexts(client: httpx.AsyncClient) -> list[ssl.SSLContext]:
    transport: Any = client._transport
    return [pool._pool._ssl_context for pool in getattr(transport, "_pools", [transport])]


@pytest.mark.parametrize("proxy", [None, "http://proxy.example:3128"])
@pytest.mark.parametrize(
    ("urls", "authorities"),
    [(("http://a", "http://b"), False), (("http://a", "https://b"), True), ((), False)],
)
async def test_certificates_are_always_checked_and_authorities_known_where_tls_is_spoken(
    urls: tuple[str, ...], authorities: bool, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if proxy:
        monkeypatch.setenv("https_proxy", proxy)
    async with open_http(*urls) as client:
        for tls in contexts(client):
            assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
            assert bool(tls.get_ca_certs()) is authorities
        assert bool(client._mounts) is bool(proxy), "requests go by the proxy that the environment names"


async def test_requests_go_where_the_fewest_are(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = Spread(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    waiting, all_asked = asyncio.Event(), asyncio.Event()
    asked: Counter[int] = Counter()
    for number, pool in enumerate(spread._pools):

        async def answer(_request: httpx.Request, number: int = number) -> httpx.Response:
            asked[number] += 1
            if asked.total() == 2 * POOLS:
                all_asked.set()
            await waiting.wait()
            return httpx.Response(204)

        monkeypatch.setattr(pool, "handle_async_request", answer)
    async with httpx.AsyncClient(transport=spread) as client:
        requests = [asyncio.create_task(client.get("http://a/")) for _ in range(2 * POOLS)]
        await all_asked.wait()
        assert asked == dict.fromkeys(range(POOLS), 2)
        waiting.set()
        assert {answer.status_code for answer in await asyncio.gather(*requests)} == {204}
        await client.get("http://a/")
        assert max(asked.values()) == 3, "those that were answered are in nobody's hand any more"


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends a byte now and then, for ever."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    try:
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)
    except OSError:
        writer.close()


async def test_an_answer_that_drips_is_waited_for_no_longer_than_said() -> None:
    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server, httpx.AsyncClient() as http:
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(10):
            with pytest.raises(httpx.ReadTimeout, match=r"0\.2 s"):
                await ask(http, "GET", f"http://127.0.0.1:{port}/", seconds=0.2)


async def test_a_huge_answer_is_not_read_whole() -> None:
    read = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1000
            yield b"x" * 1000

    wire = httpx.MockTransport(lambda _: httpx.Response(200, content=parts()))
    async with httpx.AsyncClient(transport=wire) as http:
        with pytest.raises(httpx.ReadError, match="5000 bytes"):
            await ask(http, "GET", "http://a/", seconds=5, most=5000)
    assert read == 6000


async def test_what_is_packed_is_unpacked_once() -> None:
    packed = httpx.Response(201, headers={"content-encoding": "gzip", "x-a": "1"}, content=gzip.compress(b'{"a": 1}'))
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: packed)) as http:
        answer = await ask(http, "POST", "http://a/", seconds=5)
    assert (answer.status_code, answer.json(), answer.headers["x-a"]) == (201, {"a": 1}, "1")
