"""Routes for carriers: their reports on messages, and clients' texts."""

import re
from html import escape
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.notifications import repository
from services.notifications.api.common import own
from services.notifications.clients import verify_signature
from services.notifications.domain.words import DEFAULT_LANGUAGE, VOICES, manner
from services.notifications.use_cases import inbound, reports
from shared import phones
from shared.errors import invalid
from shared.telemetry import continued, current_tenant
from shared.web import problems

router = APIRouter(prefix="/v1", tags=["carriers"], responses=problems(403, 404, 422, 503))


async def _signed_form(request: Request) -> dict[str, str]:
    """The carrier's form, if its signature over our external address holds. Raises `signature_invalid` (403)."""
    ours = own(request).settings
    form = {name: str(value) for name, value in (await request.form()).items()}
    asked = f"?{request.url.query}" if request.url.query else ""
    url = ours.public_url.rstrip("/") + request.url.path + asked
    verify_signature(ours.carrier_tokens, url, form, request.headers.get("x-twilio-signature", ""))
    # What no database keeps is no letter of a text; what else the text says may be a matter of life.
    return {name: value.replace("\x00", "") for name, value in form.items()}


@router.post("/callbacks/{channel}/{practice_id}/{message_id}", status_code=204, operation_id="status_callback")
async def status_callback(
    request: Request,
    channel: Literal["sms", "voice"],
    practice_id: UUID,
    message_id: UUID,
    vendor: Annotated[str | None, Query(max_length=20)] = None,
) -> None:
    """The carrier's report on a text or call; signed, and harmless when late, repeated or out of order."""
    ours = own(request)
    form = await _signed_form(request)
    status = reports.REPORTED.get(form.get("MessageStatus" if channel == "sms" else "CallStatus", ""))
    if status is None:
        return
    code = form.get("ErrorCode", "")
    token = current_tenant.set(practice_id)
    try:
        async with ours.database.transaction(practice_id) as reading:
            parent = (await repository.messages.get(reading, message_id)).traceparent
        with continued("carrier report", parent):
            await ours.database.run(
                practice_id,
                lambda session: reports.take_report(
                    session,
                    tenant=practice_id,
                    message_id=message_id,
                    channel=channel,
                    carrier_id=form.get("MessageSid" if channel == "sms" else "CallSid", ""),
                    status=status,
                    vendor=vendor,
                    code=int(code) if re.fullmatch("[0-9]{1,6}", code) else None,
                    now=ours.clock(),
                ),
            )
    finally:
        current_tenant.reset(token)


@router.post("/inbound/sms/{practice_id}", operation_id="sms_inbound")
async def sms_inbound(request: Request, practice_id: UUID) -> Response:
    """A client's text, from the carrier; STOP takes effect before this answers."""
    ours = own(request)
    form = await _signed_form(request)
    for name in ("From", "Body", "MessageSid"):
        if name not in form:
            raise invalid("invalid_request", f"{name}: the carrier's form lacks it.", field=name)
    token = current_tenant.set(practice_id)
    try:
        received = await ours.database.run(
            practice_id,
            lambda session: inbound.receive_text(
                session,
                tenant=practice_id,
                carrier_id=form["MessageSid"],
                phone=phones.read(form["From"]) or form["From"],
                body=form["Body"],
                files=_count(form.get("NumMedia", "")),
                now=ours.clock(),
            ),
        )
    finally:
        current_tenant.reset(token)
    said = f"<Message>{escape(received.reply, quote=False)}</Message>" if received.reply else ""
    return Response(f'<?xml version="1.0" encoding="UTF-8"?><Response>{said}</Response>', media_type="text/xml")


def _count(said: str) -> int:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 4 else 0


@router.post("/inbound/voice/{practice_id}", operation_id="voice_inbound")
async def voice_inbound(request: Request, practice_id: UUID) -> Response:
    """Somebody calls the number that texts and calls come from: they are put through to the practice.

    Not to the number that they have called, which would call itself.
    """
    ours = own(request)
    form = await _signed_form(request)
    token = current_tenant.set(practice_id)
    try:
        async with ours.database.transaction(practice_id) as session:
            sender = await repository.people.sender(session)
            callers = await repository.people.clients_by_phone(session, phones.read(form.get("From", "")) or "")
            wished = [(await repository.people.preferences(session, one)).language for one in callers]
    finally:
        current_tenant.reset(token)
    called = (sender.sms_from, phones.read(form.get("To", ""))) if sender else ()
    dial = f"<Dial>{sender.phone}</Dial>" if sender and sender.phone not in called else ""
    ours_is = sender.language if sender else DEFAULT_LANGUAGE
    language = next((one for one in wished if one is not None), ours_is)
    words = escape(manner(language).crisis, quote=False)
    said = f'<Response><Say language="{VOICES[language]}">{words}</Say>{dial}</Response>'
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{said}', media_type="text/xml")
