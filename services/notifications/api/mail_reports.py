"""Routes: what becomes of mails after a server has taken them."""

import asyncio

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import schemas
from services.notifications.api.common import own
from services.notifications.domain import mail_replies, mail_reports
from services.notifications.use_cases import inbound, reports
from shared.auth import Role
from shared.commands import Answer, Write
from shared.web import problems

router = APIRouter(prefix="/v1", tags=["carriers"], responses=problems(401, 403, 413, 422, 503))
_RAW = {"requestBody": {"required": True, "content": {"message/rfc822": {"schema": {"type": "string"}}}}}


@router.post("/inbound/email", response_model=schemas.MailReportBody, operation_id="email_inbound", openapi_extra=_RAW)
async def email_inbound(request: Request, command: Write) -> Response:
    """A mail that came to the address to which mails return, as it is (RFC 5322), from the practice's mail server.

    A bounce goes on by the next channel, now; an address that doesn't exist is not tried again; a complaint is a no to
    mails. What a client has answered to one of our mails goes the way of their texts: a person reads it, and words of
    danger reach somebody at once. Anything else, such as an automatic answer, is taken as `nothing`.
    """
    principal, ours = command.principal, own(request)
    principal.require("messages:write", Role.APP, Role.STAFF, Role.ADMIN)
    raw = await request.body()
    # A mail may be long and strange: others don't wait while it is read.
    report, reply = await asyncio.to_thread(lambda: (mail_reports.read(raw), mail_replies.read_reply(raw)))

    async def work(session: AsyncSession) -> Answer:
        if reply is not None and await inbound.receive_mail(
            session, tenant=principal.tenant, reply=reply, now=ours.clock()
        ):
            return Answer(schemas.MailReportBody(meaning="reply", message_id=reply.message_id))
        if report is None or not await reports.take_mail_report(
            session, tenant=principal.tenant, report=report, now=ours.clock()
        ):
            return Answer(schemas.MailReportBody(meaning="nothing", message_id=None))
        return Answer(schemas.MailReportBody(meaning=report.meaning, message_id=report.message_id))

    return await command.run(work)
