"""Bounces and complaints as mail servers write them, and whatever else comes to the same address."""

import time
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.mail_reports import MailReport, read

OURS = UUID("0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10")


def bounce(
    action: str = "failed",
    status: str = "5.1.1",
    *,
    message_id: str = f"<{OURS}@maple.example>",
    headers_only: bool = False,
    recipient: str = "rfc822; Client@example.org",
) -> bytes:
    """As Postfix writes it."""
    returned = (
        ("Content-Type: text/rfc822-headers", "")
        if headers_only
        else ("Content-Type: message/rfc822", "\r\nSee you tomorrow.\r\n")
    )
    lines = f"""From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: bounces@maple.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"

--=_b
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--=_b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 02 Mar 2026 10:00:00 -0500

Final-Recipient: {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--=_b
{returned[0]}

From: hello@maple.example
To: client@example.org
Subject: Your visit
Message-ID: {message_id}
{returned[1]}
--=_b--
"""
    return lines.replace("\n", "\r\n").encode()


def complaint() -> bytes:
    lines = f"""From: abuse@provider.example
To: bounces@maple.example
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="=_c"

--=_c
Content-Type: text/plain

This is an email abuse report.

--=_c
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Provider/1.0
Version: 1

--=_c
Content-Type: message/rfc822

From: hello@maple.example
Message-ID: <{OURS}@maple.example>

See you tomorrow.
--=_c--
"""
    return lines.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("headers_only", [False, True])
def test_a_bounce_says_which_mail_failed_for_whom_and_why(headers_only: bool) -> None:
    assert read(bounce(headers_only=headers_only)) == MailReport("failed", OURS, "5.1.1", "client@example.org")


@pytest.mark.parametrize(
    ("status", "nobody"),
    [("5.1.1", True), ("5.1.10", True), ("5.2.1", True), ("5.2.2", False), ("5.7.1", False), ("nonsense", False)],
)
def test_only_some_failures_are_the_addresss(status: str, nobody: bool) -> None:
    report = read(bounce(status=status))
    assert report is not None and report.nobody_there is nobody


@pytest.mark.parametrize(
    ("action", "meaning"), [("delayed", "delayed"), ("relayed", "delivered"), ("Failed", "failed")]
)
def test_not_every_report_is_a_failure(action: str, meaning: str) -> None:
    report = read(bounce(action, "4.4.1"))
    assert report is not None and report.meaning == meaning


def test_a_complaint_is_one() -> None:
    assert read(complaint()) == MailReport("complaint", OURS)


def test_what_is_no_report_of_ours_is_nothing() -> None:
    letter = EmailMessage()
    letter["Subject"], letter["In-Reply-To"] = "Out of office", f"<{OURS}@maple.example>"
    letter.set_content("I am away.")
    assert read(letter.as_bytes()) is None
    assert read(bounce(message_id="<someone-elses@example.org>")) is None
    assert read(bounce("exploded")) is None
    assert read(b"") is None


@given(st.binary(max_size=2_000))
def test_no_bytes_break_it(raw: bytes) -> None:
    assert read(raw) is None


@given(st.data())
def test_no_damage_breaks_it(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([bounce(), bounce(headers_only=True), complaint()])))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))
    found = read(bytes(raw))
    assert found is None or found.meaning in ("failed", "delayed", "delivered", "complaint")


def test_a_report_that_goes_on_and_on_is_read_at_once_or_not_at_all() -> None:
    begun = time.monotonic()
    report = read(bounce(recipient="a" * 60_000))
    assert report is not None and (report.meaning, report.recipient) == ("failed", None)
    report = read(bounce(recipient=f"rfc822;{' ' * 2_000}client@example.org"))
    assert report is not None and report.recipient == "client@example.org"
    assert read(bounce().replace(b"text/plain;", b"text/plain" + b";" * 150_000)) is not None
    assert (
        read(bounce().replace(b"Content-Type: message/rfc822\r\n\r\n", b"Content-Type: message/rfc822\r\n\r\n" * 3_000))
        is None
    )
    assert time.monotonic() - begun < 5
