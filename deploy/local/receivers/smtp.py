"""The mail server that keeps every mail."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

from aiosmtpd.smtp import SMTP

from deploy.local.receivers.store import Message, Store


class Handler:
    """aiosmtpd's handler."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        body, page = mail.get_body(("plain", "html")), mail.get_body(("html",))
        for recipient in envelope.rcpt_tos:
            await self.store.add(
                Message(
                    id=str(mail["Message-ID"] or uuid4()).strip("<>"),
                    channel="email",
                    direction="out",
                    to=recipient,
                    sender=str(mail["From"] or envelope.mail_from),
                    subject=str(mail["Subject"] or ""),
                    text=body.get_content() if body is not None else "",
                    status="delivered",
                    html=page.get_content() if page is not None else "",
                    calendar=_calendar(mail),
                    returns_to=str(envelope.mail_from),
                )
            )
        return "250 OK"


def _calendar(mail: EmailMessage) -> str:
    files = (part for part in mail.iter_attachments() if part.get_content_type() == "text/calendar")
    return next((str(part.get_content()) for part in files), "")
