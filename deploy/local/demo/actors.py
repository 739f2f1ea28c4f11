"""Those who act in the demo: HTTP callers with a token, a phone and a mailbox, a browser on a link."""

import re
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.local.demo.timeline import DemoFailed


@dataclass
class Caller:
    """A third-party app: calls the services' public APIs with a token; `trace_id` is its last request's."""

    http: httpx.AsyncClient
    urls: dict[str, str]
    token: str
    trace_id: str = ""

    async def call(self, method: str, service: str, path: str, *, expect: int = 200, **more: Any) -> Any:
        """One request; raises DemoFailed with the answer when the status is another than expected."""
        headers = {"authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        response = await self.http.request(method, self.urls[service] + path, headers=headers, **more)
        if response.status_code != expect:
            raise DemoFailed(f"{method} {service}{path} answered {response.status_code}: {response.text[:400]}")
        self.trace_id = response.headers["traceresponse"].split("-")[1]
        return response.json() if response.content else None


@dataclass
class Mailbox:
    """What arrived at the receivers: the client's phone and mailbox."""

    http: httpx.AsyncClient
    receivers: str

    async def wait(self, to: str, contains: str, after: str | None = None, timeout: float = 30) -> dict[str, Any]:
        """The next message to an address that contains a text. Raises DemoFailed when none comes."""
        query = {"to": to, "contains": contains, "timeout": str(timeout), **({"after": after} if after else {})}
        response = await self.http.get(f"{self.receivers}/api/messages/wait", params=query, timeout=timeout + 10)
        if response.status_code != 200:
            raise DemoFailed(f"no message to {to} with {contains!r} within {timeout:.0f} s")
        message: dict[str, Any] = response.json()
        return message

    async def reply(self, message: dict[str, Any], body: str) -> None:
        """The phone answers a text."""
        url = f"{self.receivers}/api/sms/{message['id']}/reply"
        response = await self.http.post(url, json={"body": body})
        if response.status_code != 201:
            raise DemoFailed(f"the answer was not taken: {response.status_code}")


def link_in(message: dict[str, Any]) -> str:
    """The link of a message."""
    found = re.search(r"https?://\S+", str(message["text"]))
    if found is None:
        raise DemoFailed("the message has no link")
    return found.group().rstrip(".")


@dataclass
class Browser:
    """A phone's browser without JavaScript: opens pages, follows links, sends forms."""

    http: httpx.AsyncClient
    trace_id: str = ""
    """Of the last form that was sent."""

    async def open(self, url: str) -> str:
        response = await self.http.get(url, headers={"accept": "text/html"}, follow_redirects=True)
        if response.status_code != 200:
            raise DemoFailed(f"the page behind the link answered {response.status_code}")
        return response.text

    async def send(self, url: str, **fields: str) -> str:
        response = await self.http.post(url, data=fields, headers={"accept": "text/html"}, follow_redirects=True)
        self.trace_id = [*response.history, response][0].headers["traceresponse"].split("-")[1]
        if response.status_code != 200:
            raise DemoFailed(f"the form answered {response.status_code}: {response.text[:300]}")
        return response.text


def first(pattern: str, page: str, what: str) -> str:
    """The first match's group in a page. Raises DemoFailed naming what was looked for."""
    found = re.search(pattern, page)
    if found is None:
        raise DemoFailed(f"the page shows no {what}")
    return found.group(1).replace("&amp;", "&")
