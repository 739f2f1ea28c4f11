"""A mail server that takes our messages (RFC 5321), each in two forms (RFC 2046) with a way out (RFC 8058)."""

import asyncio
import re
from dataclasses import dataclass
from email.message import EmailMessage
from typing import ClassVar

from opentelemetry.trace import SpanKind

from services.notifications.clients.outbound import CarrierRefused, CarrierUnavailable, Outbound, OutcomeUnknown
from shared.telemetry import span

TIMEOUT_SECONDS, TOTAL_SECONDS = 8.0, 20.0
"""For each answer, and for all of them."""
PERMANENT = 500
NOBODY_THERE = frozenset((550, 551, 553))
"""Of a recipient: there is no such mailbox, or it takes no mail."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """One SMTP server."""

    name: str
    host: str
    port: int
    username: str | None
    password: str | None
    starttls: bool
    knows_repetitions: ClassVar[bool] = False

    async def send(self, message: Outbound) -> str:
        """Hands a mail to the server; returns its Message-ID. Raises as `Vendor.send`."""
        import aiosmtplib  # only where mails are sent: a process of the API has no use for it

        mail = composed(message)
        with span("email send", SpanKind.CLIENT, attributes={"server.address": self.host, "message.id": message.id}):
            client = aiosmtplib.SMTP(
                hostname=self.host,
                port=self.port,
                username=self.username,
                password=self.password,
                start_tls=self.starttls,
                timeout=TIMEOUT_SECONDS,
            )
            try:
                await client.connect()
            except aiosmtplib.SMTPResponseException as error:
                raise CarrierUnavailable(f"smtp_{error.code}") from error
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                raise CarrierUnavailable("mail_server_away") from error
            try:
                async with asyncio.timeout(TOTAL_SECONDS):
                    await client.send_message(mail, sender=message.returns_to)
            except aiosmtplib.SMTPRecipientsRefused as error:
                raise _refusal(error.recipients[0].code, "address") from error
            except aiosmtplib.SMTPResponseException as error:
                raise _refusal(error.code, "message") from error
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                # It may have taken the mail before it fell silent.
                raise OutcomeUnknown("mail_server_silent") from error
            finally:
                client.close()
        return str(mail["Message-ID"])


def _refusal(code: int, because: str) -> CarrierRefused | CarrierUnavailable:
    if code < PERMANENT:
        return CarrierUnavailable(f"smtp_{code}", of_address=because == "address")
    return CarrierRefused(f"smtp_{code}", "address" if because == "address" and code in NOBODY_THERE else "message")


def composed(message: Outbound) -> EmailMessage:
    """The mail as it goes over the wire."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = message.sender, message.to, message.subject
    domain = re.sub(r"[^A-Za-z0-9.-]", "", message.sender.rsplit("@", 1)[-1]) or "rapport.invalid"
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.unsubscribe_url is not None:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.body)
    if message.html is not None:
        mail.add_alternative(message.html, subtype="html")
    if message.calendar is not None:
        words, method = message.calendar.decode(), message.calendar_method
        mail.add_attachment(words, subtype="calendar", params={"method": method}, filename="visit.ics")
    return mail
