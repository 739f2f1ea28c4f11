"""The Twilio-compatible carrier: takes texts and calls, reports on them by signed callbacks, passes answers on.

Numbers that end in 0000 can't be reached (30003); one that has sent STOP is refused (21610).
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from typing import Any, Literal

import httpx

from deploy.local.receivers.store import Message, Store

log = logging.getLogger(__name__)

STOP_WORDS = frozenset(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT"))
START_WORDS = frozenset(("START", "UNSTOP"))
DELIVERY_SECONDS = float(os.environ.get("RECEIVERS_DELIVERY_SECONDS", "0.2"))
POSTS_AT_ONCE = 8
"""As a carrier would: it doesn't send its customers more than they can take."""
TRIES = 5


class Refused(Exception):
    """A request that the carrier doesn't take: HTTP status, Twilio's code, its message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class Carrier:
    """Texts out and in, and calls."""

    store: Store
    account: str
    token: str
    http: httpx.AsyncClient
    inbound_url: str = ""
    knows: bool = False
    """Whether it takes a text once only that comes twice under one token: no carrier promises that by itself."""
    stopped: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _posting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(POSTS_AT_ONCE))

    def check(self, account: str, user: str, password: str) -> None:
        """Raises Refused when the account or its token is wrong."""
        known = hmac.compare_digest(password.encode(), self.token.encode()) and user == self.account == account
        if not known:
            raise Refused(401, 20003, "Authenticate")

    async def take(
        self, form: Mapping[str, str], idempotency: str | None, channel: Literal["sms", "voice"] = "sms"
    ) -> Message:
        """Takes a text or call; one of the same idempotency token is the same one, where it `knows` them. Raises
        Refused.
        """
        known = self.store.by_token(idempotency) if idempotency and self.knows else None
        if known is not None:
            return known
        to, sender = form.get("To", ""), form.get("From", "")
        body = form.get("Body", "") if channel == "sms" else _said(form.get("Twiml", ""))
        if not to:
            raise Refused(400, 21604, "A 'To' phone number is required.")
        if not sender:
            raise Refused(400, 21603, "A 'From' phone number is required.")
        if not body:
            raise Refused(400, 21602, "Message body is required.")
        message = Message(
            id=("SM" if channel == "sms" else "CA") + secrets.token_hex(16),
            channel=channel,
            direction="out",
            to=to,
            sender=sender,
            subject="",
            text=body,
            status="queued",
            token=idempotency,
            callback=form.get("StatusCallback"),
        )
        # The confirmation of an opt-out may go to who has just opted out; anything else may not.
        if (
            channel == "sms"
            and to in self.stopped
            and not any(word in body for word in ("no more texts", "988", "are on again"))
        ):
            raise Refused(400, 21610, "Attempt to send to unsubscribed recipient")
        await self.store.add(message)
        self._later(self._deliver(message))
        return message

    async def _deliver(self, message: Message) -> None:
        reachable = not message.to.endswith("0000")
        if message.channel == "voice":
            course = ("ringing", "completed" if reachable else "no-answer")
        else:
            course = ("sent", "delivered" if reachable else "undelivered")
        for status in course:
            await asyncio.sleep(DELIVERY_SECONDS / 2)
            message.status = status
            message.history.append({"status": status, "at": datetime.now(UTC).isoformat()})
            await self.store.changed(message)
            if message.callback:
                kind = "Message" if message.channel == "sms" else "Call"
                form = {
                    f"{kind}Sid": message.id,
                    f"{kind}Status": status,
                    "To": message.to,
                    "From": message.sender,
                    "AccountSid": self.account,
                    **({"ErrorCode": "30003"} if status == "undelivered" else {}),
                }
                await self.post(message.callback, form)

    async def reply(self, answered: Message, body: str) -> Message:
        """The phone answers a text."""
        word = body.strip().upper()
        if word in STOP_WORDS:
            self.stopped.add(answered.to)
        elif word in START_WORDS:
            self.stopped.discard(answered.to)
        message = Message(
            id="SM" + secrets.token_hex(16),
            channel="sms",
            direction="in",
            to=answered.sender,
            sender=answered.to,
            subject="",
            text=body,
        )
        await self.store.add(message)
        if self.inbound_url:
            form = {
                "MessageSid": message.id,
                "From": message.sender,
                "To": message.to,
                "Body": body,
                "AccountSid": self.account,
            }
            await self.post(self.inbound_url.replace("{practice}", _practice(answered)), form)
        return message

    async def post(self, url: str, form: dict[str, str]) -> None:
        """A signed webhook, tried a few times."""
        headers = {"X-Twilio-Signature": sign(self.token, url, form)}
        for attempt in range(TRIES):
            try:
                async with self._posting:
                    response = await self.http.post(url, data=form, headers=headers, timeout=10)
                if response.is_success:
                    return
                log.warning("a webhook was answered with %d", response.status_code)
            except httpx.HTTPError as error:
                log.warning("a webhook could not be delivered: %s", type(error).__name__)
            await asyncio.sleep(0.2 * 2**attempt)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _said(twiml: str) -> str:
    """What a call says, once."""
    said = re.search("<Say[^>]*>(.*?)</Say>", twiml, re.DOTALL)
    return unescape(said[1]) if said else ""


def _practice(answered: Message) -> str:
    """Whose number was answered: the text's own callback says so, where a carrier would know by its settings."""
    return (answered.callback or "//").rsplit("/", 2)[-2]


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """Twilio's signature: base64 of HMAC-SHA1 over the address and the fields sorted by name."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
