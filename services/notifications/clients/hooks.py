"""Calls the addresses of third-party apps: over https, at public addresses, without following where they lead."""

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from ssl import SSLContext
from uuid import UUID

import httpx
from opentelemetry.trace import SpanKind

from services.notifications.clients.breaker import Breaker
from shared import outside
from shared.outside import OutsideError, Resolver, address_of, request_parts, resolve, target_of
from shared.telemetry import span

TOTAL_SECONDS, CONNECT_SECONDS = 8.0, 3.0
GONE = 410


@dataclass(frozen=True, slots=True)
class Answered:
    """What an app's server said; `gone` where it wants to hear no more."""

    ok: bool
    told: str
    gone: bool = False
    silent: bool = False
    """Nothing was said in time."""


@dataclass
class Hooks:
    """`insecure_hosts` (host:port) may be called over http and at private addresses."""

    insecure_hosts: frozenset[str] = frozenset()
    resolver: Resolver = resolve
    tls: SSLContext | None = None
    total_seconds: float = TOTAL_SECONDS
    breakers: dict[UUID, Breaker] = field(default_factory=dict)
    """By webhook: one that hangs must not take the turns of all others."""

    def check(self, url: str) -> None:
        """Raises OutsideError for what can be seen without asking anybody."""
        outside.check_url(url, self.insecure_hosts)

    @cached_property
    def _tls(self) -> SSLContext:
        return self.tls or httpx.create_ssl_context(trust_env=False)

    async def call(self, webhook: UUID, url: str, headers: dict[str, str], payload: str) -> Answered:
        """Whatever goes wrong is the app's, and told as such. Raises Unavailable while it is left alone, after failing
        to answer at all again and again.
        """
        breaker = self.breakers.setdefault(webhook, Breaker("webhook"))
        looks = breaker.enter()
        try:
            answer = await self._call(url, headers, payload)
        except BaseException:
            breaker.left(looks)
            raise
        if answer.silent:
            breaker.failed(None)
        else:
            breaker.worked()
        return answer

    async def _call(self, url: str, headers: dict[str, str], payload: str) -> Answered:
        with span("webhook call", SpanKind.CLIENT) as current:
            try:
                async with asyncio.timeout(self.total_seconds):
                    status = await self._post(url, headers, payload)
            except OutsideError as error:
                return Answered(False, error.code)
            except (TimeoutError, httpx.TimeoutException):
                return Answered(False, "timeout", silent=True)
            except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
                return Answered(False, f"unreachable ({type(error).__name__})")
            current.set_attribute("http.response.status_code", status)
        return Answered(200 <= status < 300, str(status), status == GONE)

    async def _post(self, url: str, headers: dict[str, str], payload: str) -> int:
        target = target_of(url, self.insecure_hosts)
        place, own, extensions = request_parts(target, await address_of(target, self.resolver))
        timeout = httpx.Timeout(self.total_seconds, connect=CONNECT_SECONDS)
        # A client for each call: no cookie or connection of one app reaches another; no proxy of the environment.
        async with (
            httpx.AsyncClient(trust_env=False, verify=self._tls, follow_redirects=False) as http,
            http.stream(
                "POST",
                place,
                content=payload,
                headers={**own, "content-type": "application/json", "user-agent": "Rapport webhooks", **headers},
                extensions=extensions,
                timeout=timeout,
            ) as response,
        ):
            # Of an answer only its status matters; its body, however long, stays unread.
            return response.status_code
