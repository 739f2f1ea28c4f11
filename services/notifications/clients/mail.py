"""A mail server that takes our messages (RFC 5321), each in two forms (RFC 2046) with a way out (RFC 8058)."""

import asyncio
import re
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from typing import TYPE_CHECKING, ClassVar

from opentelemetry.trace import SpanKind

from services.notifications.clients.outbound import (
    Because,
    CarrierRefused,
    CarrierUnavailable,
    Outbound,
    OutcomeUnknown,
)
from services.notifications.domain.mail_reports import NOBODY_THERE
from shared.telemetry import span

if TYPE_CHECKING:
    from aiosmtplib import SMTP

TLS_PORT = 465
"""Speaks TLS from the start (RFC 8314)."""
CONNECT_SECONDS, TOTAL_SECONDS = 7.0, 10.0
"""Until a mail can be given, and for all of it: whoever says STOP meanwhile waits, and their carrier not for long."""
TEMPORARY, PERMANENT = 400, 500
_NO_MAILBOX = frozenset((550, 551, 553))
"""Of a recipient: there is no such mailbox, or it takes no mail; unless more is said."""
_ENHANCED = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")
_OF_SENDER = re.compile(r"block|spam|reputation|policy|not allowed|denied|blacklist|rbl|dnsbl", re.IGNORECASE)
"""Where nothing more is said: the server minds from where the mail comes."""


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
                use_tls=self.starttls and self.port == TLS_PORT,
                start_tls=self.starttls and self.port != TLS_PORT,
                timeout=TOTAL_SECONDS,
            )
            try:
                async with asyncio.timeout(TOTAL_SECONDS):
                    await _connect(client)
                    await client.send_message(mail, sender=message.returns_to)
            except aiosmtplib.SMTPNotSupported as error:
                # One of the addresses has other letters than the server can write.
                whose: Because = "message" if message.to.isascii() else "address"
                raise CarrierRefused("mail_server_unable", whose) from error
            except aiosmtplib.SMTPRecipientsRefused as error:
                raise _refusal(error.recipients[0].code, "address", error.recipients[0].message) from error
            except aiosmtplib.SMTPResponseException as error:
                if error.code < TEMPORARY:
                    # Nothing that can be understood, when the mail was with it perhaps.
                    raise OutcomeUnknown("mail_server_silent") from error
                raise _refusal(error.code, "message") from error
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                # It may have taken the mail before it fell silent.
                raise OutcomeUnknown("mail_server_silent") from error
            finally:
                client.close()
        return str(mail["Message-ID"])


async def _connect(client: "SMTP") -> None:
    """Until the server would take a mail. Raises CarrierUnavailable: it has none yet."""
    from aiosmtplib import SMTPException, SMTPResponseException  # see above

    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await client.connect()
    except SMTPResponseException as error:
        raise CarrierUnavailable(f"smtp_{error.code}") from error
    except (SMTPException, OSError, TimeoutError) as error:
        raise CarrierUnavailable("mail_server_away") from error


def _address(address: str, because: Because) -> Address:
    try:
        parsed = Address(addr_spec=address)
    except (MessageError, ValueError, IndexError) as error:
        raise CarrierRefused("address_malformed", because) from error
    if parsed.addr_spec != address:
        # Part of it was taken for something else, such as a group's name: it would go to somebody else.
        raise CarrierRefused("address_malformed", because)
    return parsed


def _refusal(code: int, because: str, said: str = "") -> CarrierRefused | CarrierUnavailable:
    if code < PERMANENT:
        return CarrierUnavailable(f"smtp_{code}", of_address=because == "address")
    is_address = because == "address" and code in _NO_MAILBOX and _minds_address(said)
    return CarrierRefused(f"smtp_{code}", "address" if is_address else "message")


def _minds_address(said: str) -> bool:
    enhanced = _ENHANCED.search(said)
    return enhanced[0] in NOBODY_THERE if enhanced else _OF_SENDER.search(said) is None


def composed(message: Outbound) -> EmailMessage:
    """The mail as it goes over the wire. Raises CarrierRefused for an address that is none."""
    mail = EmailMessage()
    mail["From"], mail["To"] = _address(message.sender, "message"), _address(message.to, "address")
    # One line, whatever somebody has put into it: a line's end of any kind would end the header.
    mail["Subject"] = " ".join(message.subject.split())
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
