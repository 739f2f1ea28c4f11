"""A Twilio-compatible carrier of texts and calls, by its REST API of 2010-04-01."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from html import escape
from typing import Any, Literal
from urllib.parse import urlencode

import httpx
from opentelemetry.trace import SpanKind

from services.notifications.clients.outbound import (
    Because,
    CarrierRefused,
    CarrierUnavailable,
    Outbound,
    OutcomeUnknown,
    digest_of,
)
from services.notifications.domain.model import Language
from services.notifications.domain.words import VOICES
from shared.clock import Clock
from shared.telemetry import span
from shared.wire import Answer, Wire

TIMEOUT_SECONDS = 8.0
DAY = timedelta(days=1)
LISTED = 100
"""The newest so many are asked for: more than a quota lets go to one number in a day."""
OUT = "outbound-api"
"""What we gave to the carrier; what went with our answers to its calls is `outbound-reply`."""
MOST_LETTERS, MOST_CODE = 100, 1_000_000
NOT_TAKEN = frozenset((401, 403, 429, 503))
"""Nothing is wrong with the message: our key is, or our pace, or it takes none for now. Of any other 5xx nobody knows
whether it came before the message was taken or after that.
"""
ABSENT = frozenset((401, 403, 404, 405, 501))
"""There is no such list, or none for us, whatever else is said about it."""
OPTED_OUT = frozenset((21610,))
NOBODY_THERE = frozenset((21211, 21214, 21217, 21401, 21612, 21614, 30005, 30006))
"""The number is none, not in use, or a landline that takes no texts."""


def because_of(code: int) -> Because:
    """What a carrier's code says is in the way."""
    if code in OPTED_OUT:
        return "opt_out"
    return "address" if code in NOBODY_THERE else "message"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a carrier has in its list; of a call it keeps no words."""

    at: datetime
    carrier_id: str
    digest: str | None


@dataclass(frozen=True, slots=True)
class PhoneCarrier:
    """One account with one carrier, for texts or for calls. `own_number` is the one that it sends from, where the
    practice's belongs to another carrier.
    """

    name: str
    kind: Literal["sms", "voice"]
    url: str
    account: str
    token: str
    wire: Wire
    clock: Clock
    own_number: str | None = None
    knows_repetitions: bool = False

    async def send(self, message: Outbound) -> str:
        """Hands a text or call to the carrier; returns its sid. Raises as `Vendor.send`."""
        form = {"To": message.to, "From": self.own_number or message.sender}
        if self.kind == "sms":
            form["Body"] = message.body
        else:
            form["Twiml"] = spoken(message.body, message.language)
        if message.callback_url:
            form["StatusCallback"] = message.callback_url
        headers = {"I-Twilio-Idempotency-Token": str(message.id)}
        answer = await self._ask("POST", _OF_KIND[self.kind], form=form, headers=headers)
        try:
            return _word(answer["sid"])
        except (KeyError, TypeError, ValueError) as error:
            raise OutcomeUnknown(f"{self.name}_answer_not_understood") from error

    async def taken(self, to: str, sender: str, since: datetime) -> list[Taken]:
        """What it has taken from us for this number since then, the first one first: where an answer was lost, one of
        these may be it. Raises Unavailable, or CarrierRefused where it keeps no list, or none that can be read.
        """
        query = urlencode({"To": to, "From": self.own_number or sender, "PageSize": LISTED})
        answer = await self._ask("GET", f"{_OF_KIND[self.kind]}?{query}", may_be_absent=True)
        try:
            found = [
                Taken(_moment(one["date_created"]), _word(one["sid"]), _digest(one.get("body")))
                for one in answer[_OF_KIND[self.kind].removesuffix(".json").lower()]
                if one.get("direction", OUT) == OUT and one.get("to", to) == to
            ]
            return sorted((one for one in found if one.at >= since), key=lambda one: (one.at, one.carrier_id))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CarrierRefused(f"{self.name}_keeps_no_list") from error

    async def status(self, carrier_id: str) -> tuple[str, int | None]:
        """What has become of a message, in the carrier's words, and its error code. Raises Unavailable."""
        answer = await self._ask("GET", f"{_OF_KIND[self.kind].removesuffix('.json')}/{carrier_id}.json")
        try:
            code = answer.get("error_code")
            return _word(answer["status"]), None if code is None else _number(code)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise OutcomeUnknown(f"{self.name}_answer_not_understood") from error

    async def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        may_be_absent: bool = False,
        **more: Any,
    ) -> Any:
        url = f"{self.url.rstrip('/')}/2010-04-01/Accounts/{self.account}/{path}"
        basic = b64encode(f"{self.account}:{self.token}".encode()).decode()
        headers = {**(headers or {}), "authorization": f"Basic {basic}"}
        what = "send" if method == "POST" else "look up"
        with span(f"{self.kind} {what}", SpanKind.CLIENT, attributes={"vendor": self.name}) as current:
            try:
                response = await self.wire.ask(method, url, headers=headers, seconds=TIMEOUT_SECONDS, **more)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                raise CarrierUnavailable(f"{self.name}_away") from error
            except httpx.HTTPError as error:
                raise OutcomeUnknown(f"{self.name}_silent") from error
            current.set_attribute("http.response.status_code", response.status)
            if may_be_absent and response.status in ABSENT:
                raise CarrierRefused(f"{self.name}_keeps_no_list")
            if response.status in NOT_TAKEN:
                raise CarrierUnavailable(f"{self.name}_http_{response.status}", _after(response, self.clock()))
            if response.status >= 500:
                raise OutcomeUnknown(f"{self.name}_http_{response.status}", _after(response, self.clock()))
            try:
                answer = response.json()
                if response.status < 300:
                    return answer
                if response.status < 400:
                    raise ValueError("It sends us elsewhere.")
                code = _number(answer["code"])
            except (ValueError, KeyError, TypeError) as error:
                raise OutcomeUnknown(f"{self.name}_answer_not_understood") from error
            raise CarrierRefused(f"{self.kind}_{code}", because_of(code))


_OF_KIND = {"sms": "Messages.json", "voice": "Calls.json"}


def spoken(words: str, language: Language) -> str:
    """What a call says, twice, with a pause before: answering machines take a moment."""
    said = f'<Say language="{VOICES[language]}">{escape(words, quote=False)}</Say>'
    return f'<Response><Pause length="1"/>{said}<Pause length="1"/>{said}</Response>'


def _after(response: Answer, now: datetime) -> timedelta | None:
    """`Retry-After`, in seconds or as a date (RFC 9110); no more than a day."""
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(timedelta(seconds=int(said[:9])), DAY)
    try:
        return min(max(parsedate_to_datetime(said) - now, timedelta(0)), DAY) if said else None
    except (ValueError, TypeError, OverflowError):
        return None


def _word(said: object) -> str:
    """A carrier's name for something, short and in plain letters. Raises ValueError."""
    if isinstance(said, str) and 0 < len(said) <= MOST_LETTERS and said.isascii() and said.isprintable():
        return said
    raise ValueError("It is no name.")


def _moment(said: object) -> datetime:
    """Raises ValueError or TypeError."""
    at = parsedate_to_datetime(said)  # type: ignore[arg-type] # whatever it is
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _digest(words: object) -> str | None:
    return digest_of(words) if isinstance(words, str) else None


def _number(said: object) -> int:
    """A carrier's code. Raises ValueError."""
    if isinstance(said, int | str) and not isinstance(said, bool) and 0 <= int(said) < MOST_CODE:
        return int(said)
    raise ValueError("It is no code.")
