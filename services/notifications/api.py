"""HTTP of notifications: route → use case → schema; and the carrier's callbacks."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository, schemas
from services.notifications.clients import verify_signature
from services.notifications.domain.outreach import OutreachFlow
from services.notifications.domain.plans import ReminderPlan
from services.notifications.resources import Resources
from services.notifications.use_cases import inbound, practice, sending
from shared import paging
from shared.auth import Principal, Role
from shared.capability import Capability
from shared.commands import Answer, Write
from shared.contracts.intake import Intake
from shared.errors import invalid, not_found
from shared.telemetry import continued, current_tenant
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))
services = APIRouter(prefix="/v1", tags=["services"], responses=problems(422, 503))
carriers = APIRouter(prefix="/v1", tags=["carriers"], responses=problems(403, 404, 422, 503))

AT_THE_PRACTICE = (Role.PROVIDER, Role.STAFF, Role.ADMIN, Role.APP)
ADMINISTRATION = (Role.STAFF, Role.ADMIN)

REPORTS = {"delivered": "delivered", "undelivered": "failed", "failed": "failed"}


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


def _require_client(principal: Principal, client_id: UUID) -> None:
    if not principal.may_see_client(client_id):
        raise not_found("client")


@router.put("/sender", response_model=schemas.SenderBody, operation_id="set_sender")
async def set_sender(body: schemas.SenderBody, command: Write) -> Response:
    """Sets the practice's name, addresses and hours for messages."""
    command.principal.require("messages:write", *ADMINISTRATION)

    async def work(session: AsyncSession) -> Answer:
        await practice.set_sender(session, tenant=command.principal.tenant, sender=body.sender())
        return Answer(body)

    return await command.run(work)


@router.get("/sender", operation_id="get_sender", responses=problems(404))
async def get_sender(request: Request, caller: Caller) -> schemas.SenderBody:
    """The practice's name, addresses and hours for messages."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        sender = await repository.sender(session)
    if sender is None:
        raise not_found("sender", "The practice has set no sender yet; PUT /v1/sender.")
    return schemas.SenderBody.model_validate(sender, from_attributes=True)


@router.put("/clients/{client_id}/contact", response_model=schemas.ContactBody, operation_id="set_contact")
async def set_contact(client_id: UUID, body: schemas.ContactBody, command: Write) -> Response:
    """Sets where a client can be reached; every later message honours it."""
    command.principal.require("messages:write")
    _require_client(command.principal, client_id)

    async def work(session: AsyncSession) -> Answer:
        await practice.set_contact(session, tenant=command.principal.tenant, contact=body.contact(client_id))
        return Answer(body)

    return await command.run(work)


@router.get("/clients/{client_id}/contact", operation_id="get_contact", responses=problems(404))
async def get_contact(request: Request, client_id: UUID, caller: Caller) -> schemas.ContactBody:
    """Where a client can be reached."""
    caller.require("messages:read")
    _require_client(caller, client_id)
    async with _resources(request).database.transaction(caller.tenant) as session:
        contact = await repository.contact(session, client_id)
    if contact is None:
        raise not_found("contact")
    return schemas.ContactBody(email=contact.email, phone=contact.phone, zone=contact.zone)


@router.post(
    "/clients/{client_id}/consents",
    status_code=201,
    response_model=schemas.ConsentRecord,
    operation_id="record_consent",
    responses=problems(404, 409),
)
async def record_consent(request: Request, client_id: UUID, body: schemas.ConsentBody, command: Write) -> Response:
    """Records a yes or no to a channel. Without a yes on record nothing is sent by it."""
    principal, now = command.principal, _resources(request).clock()
    principal.require("messages:write")
    _require_client(principal, client_id)

    async def work(session: AsyncSession) -> Answer:
        address = await practice.record_consent(
            session, tenant=principal.tenant, client_id=client_id, actor=principal.subject, now=now, **body.model_dump()
        )
        record = schemas.ConsentRecord(address=address, actor=principal.subject, at=now, **body.model_dump())
        return Answer(record, 201)

    return await command.run(work)


@router.get("/clients/{client_id}/consents", operation_id="list_consents")
async def list_consents(request: Request, client_id: UUID, caller: Caller) -> schemas.ConsentList:
    """Every yes and no of a client, the newest first."""
    caller.require("messages:read")
    _require_client(caller, client_id)
    async with _resources(request).database.transaction(caller.tenant) as session:
        rows = await repository.consents_of(session, client_id)
    names = schemas.ConsentRecord.model_fields
    return schemas.ConsentList(items=[schemas.ConsentRecord(**{name: row[name] for name in names}) for row in rows])


@router.get("/clients/{client_id}/messages", operation_id="list_messages")
async def list_messages(
    request: Request, client_id: UUID, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.MessagePage:
    """The message log of a client, by due time."""
    caller.require("messages:read")
    _require_client(caller, client_id)
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.messages_of(session, client_id, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda message: (message.due_at, message.id))
    return schemas.MessagePage(items=[schemas.MessageBody.of(item) for item in items], next=after)


@router.get("/clients/{client_id}/explain", operation_id="explain_messages")
async def explain(
    request: Request, client_id: UUID, caller: Caller, limit: paging.Limit = 100, cursor: paging.Cursor = None
) -> schemas.Explanation:
    """Why this client was, or was not, messaged: every decision with its reason."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.decisions_of(session, client_id, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda row: (row["at"], row["id"]))
    names = schemas.Decision.model_fields
    return schemas.Explanation(
        items=[schemas.Decision(**{name: row[name] for name in names}) for row in items], next=after
    )


@router.post("/reminder-plans", status_code=201, response_model=schemas.PlanBody, operation_id="publish_reminder_plan")
async def publish_plan(request: Request, body: ReminderPlan, command: Write) -> Response:
    """Publishes a new version of the reminder plan; visits booked from now on follow it."""
    command.principal.require("messages:write", *ADMINISTRATION)
    now = _resources(request).clock()

    async def work(session: AsyncSession) -> Answer:
        version = await practice.publish_plan(session, tenant=command.principal.tenant, plan=body, now=now)
        return Answer(schemas.PlanBody(version=version, plan=body), 201)

    return await command.run(work)


@router.get("/reminder-plans/current", operation_id="get_reminder_plan")
async def get_plan(request: Request, caller: Caller) -> schemas.PlanBody:
    """The reminder plan in force."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        version, plan = await repository.plan(session)
    return schemas.PlanBody(version=version, plan=plan)


@router.post("/outreach-flows", status_code=201, response_model=schemas.FlowBody, operation_id="publish_outreach_flow")
async def publish_flow(request: Request, body: OutreachFlow, command: Write) -> Response:
    """Publishes a new version of the outreach flow; outreach under way keeps the version it began with."""
    command.principal.require("messages:write", *ADMINISTRATION)
    now = _resources(request).clock()

    async def work(session: AsyncSession) -> Answer:
        version = await practice.publish_flow(session, tenant=command.principal.tenant, flow=body, now=now)
        return Answer(schemas.FlowBody(version=version, flow=body), 201)

    return await command.run(work)


@router.get("/outreach-flows/current", operation_id="get_outreach_flow")
async def get_flow(request: Request, caller: Caller) -> schemas.FlowBody:
    """The outreach flow in force."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        version, flow = await repository.flow(session)
    return schemas.FlowBody(version=version, flow=flow)


@router.get("/outreach", operation_id="list_outreach")
async def list_outreach(
    request: Request,
    caller: Caller,
    client_id: UUID | None = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.OutreachPage:
    """Outreach by its start, with what became of it."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.outreach_page(session, client_id, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda run: (run.started_at, run.id))
    return schemas.OutreachPage(items=[schemas.OutreachBody.of(item) for item in items], next=after)


@router.get("/tasks", operation_id="list_tasks")
async def list_tasks(
    request: Request, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.TaskPage:
    """What persons at the practice should do, oldest first."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.tasks_page(session, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda row: (row["opened_at"], row["id"]))
    names = schemas.TaskBody.model_fields
    return schemas.TaskPage(
        items=[schemas.TaskBody(**{name: row[name] for name in names}) for row in items], next=after
    )


async def _signed_form(request: Request) -> dict[str, str]:
    """The carrier's form, if its signature over our external address holds. Raises `signature_invalid` (403)."""
    own = _resources(request).settings
    form = {name: str(value) for name, value in (await request.form()).items()}
    if any("\x00" in value for value in form.values()):
        raise invalid("invalid_request", "The form has a NUL character, which is no text.", field="body")
    url = own.public_url.rstrip("/") + request.url.path
    verify_signature(own.sms_auth_token, url, form, request.headers.get("x-twilio-signature", ""))
    return form


@services.put("/intake/{proof}", status_code=204, operation_id="take_in", responses=problems(404, 410))
async def take_in(request: Request, proof: Annotated[str, Path(max_length=100)], body: Intake) -> None:
    """How a client who books for the first time on booking's page can be reached; `proof` is signed by booking."""
    own = _resources(request)
    asked = Capability.verify(proof, own.settings.link_signing_key, "intake", own.clock())
    token = current_tenant.set(asked.tenant)
    try:
        await own.database.run(
            asked.tenant,
            lambda session: practice.take_in(
                session, tenant=asked.tenant, client_id=asked.subject, intake=body, now=own.clock()
            ),
        )
    finally:
        current_tenant.reset(token)


@carriers.post("/callbacks/sms/{practice_id}/{message_id}", status_code=204, operation_id="sms_status_callback")
async def sms_callback(request: Request, practice_id: UUID, message_id: UUID) -> None:
    """The carrier's report on a text; signed, and harmless when late, repeated or out of order."""
    own = _resources(request)
    form = await _signed_form(request)
    status = REPORTS.get(form.get("MessageStatus", ""))
    if status is None:
        return
    code = form.get("ErrorCode")
    token = current_tenant.set(practice_id)
    try:
        async with own.database.transaction(practice_id) as reading:
            parent = (await repository.message(reading, message_id)).traceparent
        with continued("carrier report", parent):
            await own.database.run(
                practice_id,
                lambda session: sending.take_report(
                    session,
                    tenant=practice_id,
                    message_id=message_id,
                    status="delivered" if status == "delivered" else "failed",
                    reason=f"sms_{code}" if code else None,
                    now=own.clock(),
                ),
            )
    finally:
        current_tenant.reset(token)


@carriers.post("/inbound/sms/{practice_id}", operation_id="sms_inbound")
async def sms_inbound(request: Request, practice_id: UUID) -> Response:
    """A client's text, from the carrier; STOP takes effect before this answers."""
    own = _resources(request)
    form = await _signed_form(request)
    for name in ("From", "Body", "MessageSid"):
        if name not in form:
            raise invalid("invalid_request", f"{name}: the carrier's form lacks it.", field=name)
    token = current_tenant.set(practice_id)
    try:
        await own.database.run(
            practice_id,
            lambda session: inbound.receive_text(
                session,
                tenant=practice_id,
                carrier_id=form["MessageSid"],
                phone=form["From"],
                body=form["Body"],
                now=own.clock(),
            ),
        )
    finally:
        current_tenant.reset(token)
    return Response('<?xml version="1.0" encoding="UTF-8"?><Response/>', media_type="text/xml")
