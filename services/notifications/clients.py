"""What notifications talks to: the mail server, the carrier, and booking.

The carriers take the message's id, so that a repetition after a crash is recognised: as `Message-ID` by mail
programs, as idempotency token by the carrier.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from hashlib import sha1
from hmac import compare_digest
from hmac import new as hmac
from uuid import UUID

import aiosmtplib
import httpx
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from services.notifications.settings import Settings
from shared.capability import Capability
from shared.contracts.standing import Standing
from shared.errors import forbidden
from shared.invitations import Method
from shared.telemetry import current_traceparent, span
from shared.timers import NotNow

TIMEOUT_SECONDS = 8.0
BOOKING_TIMEOUT_SECONDS = 3.0
PROOF_LASTS = timedelta(minutes=5)
"""Far more than the clocks of two services differ by."""
SMTP_PERMANENT = 500


class CarrierRefused(Exception):
    """The carrier won't take this message, now or later; the code says why (`sms_21610`, `smtp_550`)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unavailable(NotNow):
    """Who is needed for sending can't be reached or is overloaded; the code says who and why (`sms_http_503`)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CarrierUnavailable(Unavailable):
    """The carrier can't be reached or is overloaded; later may help."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to hand over."""

    id: UUID
    to: str
    sender: str
    subject: str
    body: str
    callback_url: str | None = None
    calendar: bytes | None = None
    """A calendar file that goes with a mail; its method says what a calendar is to do with it."""
    calendar_method: Method = "REQUEST"


@dataclass(frozen=True, slots=True)
class Carriers:
    """The ways out of the house."""

    settings: Settings
    http: httpx.AsyncClient

    async def email(self, message: Outbound) -> str:
        """Hands a mail to the server; returns its Message-ID. Raises CarrierRefused or CarrierUnavailable."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = message.sender, message.to, message.subject
        domain = re.sub(r"[^A-Za-z0-9.-]", "", message.sender.rsplit("@", 1)[-1]) or "rapport.invalid"
        mail["Message-ID"] = f"<{message.id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        if message.calendar is not None:
            words, method = message.calendar.decode(), message.calendar_method
            mail.add_attachment(words, subtype="calendar", params={"method": method}, filename="visit.ics")
        own = self.settings
        with span(
            "email send", SpanKind.CLIENT, attributes={"server.address": own.smtp_host, "message.id": message.id}
        ):
            try:
                await aiosmtplib.send(
                    mail,
                    hostname=own.smtp_host,
                    port=own.smtp_port,
                    username=own.smtp_username,
                    password=own.smtp_password,
                    start_tls=own.smtp_starttls,
                    timeout=TIMEOUT_SECONDS,
                )
            except aiosmtplib.SMTPRecipientsRefused as error:
                raise CarrierRefused(f"smtp_{error.recipients[0].code}") from error
            except aiosmtplib.SMTPResponseException as error:
                if error.code >= SMTP_PERMANENT:
                    raise CarrierRefused(f"smtp_{error.code}") from error
                raise CarrierUnavailable(f"smtp_{error.code}") from error
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                raise CarrierUnavailable("mail_server_away") from error
        return str(mail["Message-ID"])

    async def sms(self, message: Outbound) -> str:
        """Hands a text to the carrier; returns its sid. Raises CarrierRefused or CarrierUnavailable."""
        own = self.settings
        form = {"To": message.to, "From": message.sender, "Body": message.body}
        if message.callback_url:
            form["StatusCallback"] = message.callback_url
        url = f"{own.sms_api_url.rstrip('/')}/2010-04-01/Accounts/{own.sms_account_sid}/Messages.json"
        with span("sms send", SpanKind.CLIENT, attributes={"message.id": message.id}) as current:
            try:
                response = await self.http.post(
                    url,
                    data=form,
                    auth=(own.sms_account_sid, own.sms_auth_token),
                    headers={"I-Twilio-Idempotency-Token": str(message.id)},
                    timeout=TIMEOUT_SECONDS,
                )
            except httpx.HTTPError as error:
                raise CarrierUnavailable("carrier_away") from error
            current.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500 or response.status_code in (401, 403, 429):
                raise CarrierUnavailable(f"sms_http_{response.status_code}")
            try:
                answer = response.json()
                if response.is_success:
                    return str(answer["sid"])
                raise CarrierRefused(f"sms_{int(answer['code'])}")
            except (ValueError, KeyError, TypeError) as error:
                raise CarrierUnavailable("sms_answer_not_understood") from error


@dataclass(frozen=True, slots=True)
class Booking:
    """Asks booking how visits stand now, since news of a change may still be on its way (docs/decisions/0012)."""

    settings: Settings
    http: httpx.AsyncClient

    async def standing(self, tenant: UUID, appointment_id: UUID, now: datetime) -> Standing:
        """The versions of a visit and of what has changed for its client since. Raises Unavailable."""
        proof = Capability("standing", tenant, appointment_id, now + PROOF_LASTS).sign(self.settings.link_signing_key)
        url = f"{self.settings.booking_api_url.rstrip('/')}/v1/standing/{proof}"
        with span("booking standing", SpanKind.CLIENT, attributes={"appointment.id": appointment_id}) as current:
            try:
                headers = {"traceparent": current_traceparent() or ""}
                response = await self.http.get(url, headers=headers, timeout=BOOKING_TIMEOUT_SECONDS)
                current.set_attribute("http.response.status_code", response.status_code)
                return Standing.model_validate_json(response.raise_for_status().content)
            except (httpx.HTTPError, ValidationError) as error:
                raise Unavailable("booking_away") from error


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """Twilio's: base64 of HMAC-SHA1 over the external address and the form's fields, sorted by name."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return b64encode(hmac(auth_token.encode(), text.encode(), sha1).digest()).decode()


def verify_signature(auth_token: str, url: str, form: Mapping[str, str], given: str) -> None:
    """Raises Problem `signature_invalid` (403)."""
    if not compare_digest(signature(auth_token, url, form).encode(), given.encode()):
        raise forbidden("signature_invalid", "The carrier's signature does not fit this address and form.")
