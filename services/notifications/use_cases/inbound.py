"""A client's text: opt-out at once, help always, danger to a person, a digit as an answer; never left unread."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import repository
from services.notifications.domain.crisis import danger
from services.notifications.domain.inbound import ANSWERS, CHECK_IN_ANSWERS, Answer, Digit, Meaning, digit, meaning
from services.notifications.domain.mail_replies import MailReply
from services.notifications.domain.model import Message, Purpose, Question, Sender
from services.notifications.domain.plans import new_message
from services.notifications.domain.tasks import About
from services.notifications.domain.templates import reply_at_once
from services.notifications.domain.words import DEFAULT_LANGUAGE
from services.notifications.use_cases import check_ins, outreach, tasks
from services.notifications.use_cases.messages import plan_message
from services.notifications.use_cases.practice import add_consent
from shared.contracts.notifications import MessageReceived, QuestionAnswered
from shared.db import be_patient
from shared.telemetry import annotate, use_case

_REPLIES: dict[Meaning, Purpose] = {
    "opt_out": "opt_out_confirmation",
    "opt_in": "opt_in_confirmation",
    "help": "help",
    "safety": "safety",
}
_THANKS: dict[Answer, Purpose] = {"confirm": "answer_confirm", "move": "answer_move", "cancel": "answer_cancel"}
SMS_WORDING = "keyword"
LINES_LAST = timedelta(days=1)
CORRECTED_WITHIN = timedelta(hours=1)
BY_TEXT = frozenset(("sms", "carrier"))
"""Sources of what was said by STOP and START, here or at the carrier."""


@dataclass(frozen=True, slots=True)
class Received:
    """What a text was taken for; `reply` goes back with the carrier's own answer, where no message can be planned."""

    meaning: Meaning
    reply: str | None = None


@use_case
async def receive_text(
    session: AsyncSession, *, tenant: UUID, carrier_id: str, phone: str, body: str, now: datetime, files: int = 0
) -> Received:
    """Takes a text in, once, and does what it means in this same transaction. `files` stay with the carrier."""
    what = meaning(body)
    # What is under way to them is waited for, however long: a carrier doesn't bring a text a second time.
    await be_patient(session)
    # Who was written to last is who answers, where several share a number.
    clients = await repository.people.clients_by_phone(session, phone)
    client_id = clients[0] if clients else None
    for each in sorted(clients):
        await repository.clients.lock(session, each)
    if what == "answer":
        # An answer may be faster than the transaction that asked: it waits until that is on record.
        await repository.messages.planned(session, repository.messages.asking(clients))
    question = await _question(session, phone, digit(body), now) if what == "answer" else None
    if what == "answer" and question is None:
        what = "other"
    if question is not None:
        client_id = question.client_id
        if await repository.people.is_paused(session, client_id):
            # Whom a person looks after, that person answers: nothing is done by itself.
            what, question = "other", None
    annotate(client_id=client_id, meaning=what)
    id_ = uuid7()
    if not await repository.inbound.add(
        session,
        tenant,
        id=id_,
        carrier_id=carrier_id,
        client_id=client_id,
        meaning=what,
        body=_with_files(body, files),
        received_at=now,
        phone=phone,
    ):
        # The carrier brings it again: what went back with its answer is lost perhaps.
        again = _REPLIES[what] if client_id is None and what in ("safety", "help") else None
        ours = await repository.people.sender(session)
        return Received(what, await _reply_at_once(session, tenant, None, again, body, ours, now) if again else None)
    event = MessageReceived(
        sequence=1, message_id=id_, client_id=client_id, channel="sms", meaning=what, received_at=now
    )
    await repository.record(session, tenant, [event], now)
    first = True
    if what == "opt_out":
        first = await repository.people.suppress(session, tenant, phone, now)
    elif what == "opt_in":
        await repository.people.unsuppress(session, phone)
    await _act(session, tenant, clients, client_id, phone, what, id_, now)
    if files and what not in ("other", "safety"):
        # What is in them nobody knows.
        await _let_read(session, tenant, client_id, id_, now)
    if question is not None:
        await _follow_answer(session, tenant, question, digit(body), id_, now)
    reply = _REPLIES.get(what)
    if reply is None or not first:
        return Received(what)
    sender = await repository.people.sender(session)
    if client_id is None or sender is None:
        return Received(what, await _reply_at_once(session, tenant, client_id, reply, body, sender, now))
    message = new_message(client_id=client_id, purpose=reply, step=f"reply.{id_}", channels=("sms",), due_at=now)
    await plan_message(session, tenant, message, now)
    return Received(what)


@use_case
async def receive_mail(session: AsyncSession, *, tenant: UUID, reply: MailReply, now: datetime) -> bool:
    """Takes in, once, what a client wrote by mail, back to one of ours or from an address that we know; False where it
    is neither.

    A person reads it: of what is understood in texts only words of danger and of opting out are here. Who opts out
    does so for the address that the mail went to, which may be theirs no more.
    """
    answered = await repository.messages.known(session, reply.message_id) if reply.message_id else None
    clients = [answered.client_id] if answered else []
    if answered is None and reply.sender is not None:
        # Also where it answers somebody else's mail, or one of ours that is on record no more.
        clients = await repository.people.clients_by_email(session, reply.sender)
    if not clients:
        return False
    client_id, what = clients[0], reply.meaning
    if what == "opt_out" and answered is None and reply.doubtful:
        # Anybody can write somebody's name above a letter: a person looks.
        what = "other"
    await be_patient(session)
    await repository.clients.lock_all(session, clients)
    annotate(client_id=client_id, meaning=what)
    id_ = uuid7()
    told = {"client_id": client_id, "meaning": what, "received_at": now}
    if not await repository.inbound.add(
        session, tenant, id=id_, carrier_id=reply.mail_id, body=reply.words, phone=None, **told
    ):
        return True
    event = MessageReceived.model_validate({"sequence": 1, "message_id": id_, "channel": "email", **told})
    await repository.record(session, tenant, [event], now)
    if what == "safety":
        # Who has had the lines by mail gets no more of them, but for an answer to something else: a machine that
        # answers with our own words would never end.
        is_new = answered is not None and answered.purpose != "safety"
        has_lines = not is_new and await repository.messages.has_lines(session, client_id, now - LINES_LAST)
        await _endangered(session, tenant, clients, client_id, id_, now)
        if has_lines:
            return True
        message = new_message(
            client_id=client_id, purpose="safety", step=f"reply.{id_}", channels=("email",), due_at=now
        )
        await plan_message(session, tenant, message, now)
        return True
    opted_out = [
        await _opts_out(session, tenant, each, answered, reply, now) if what == "opt_out" else False
        for each in sorted(clients)
    ]
    if not all(opted_out) or reply.more:
        await _let_read(session, tenant, client_id, id_, now)
    return True


async def _opts_out(
    session: AsyncSession, tenant: UUID, client_id: UUID, answered: Message | None, reply: MailReply, now: datetime
) -> bool:
    """Whether the client wants no more mails, which is on record then."""
    contact = await repository.people.contact(session, client_id, lock=True)
    address = answered.address if answered is not None and answered.channel == "email" else None
    mine = contact.email if contact is not None else None
    if mine is not None and mine.lower() == (address.lower() if address else reply.sender):
        address = mine
    if address is not None:
        said = (address, False, SMS_WORDING, "email", "client", now)
        await add_consent(session, tenant, client_id, "email", *said)
    return address is not None


async def _endangered(
    session: AsyncSession,
    tenant: UUID,
    clients: Sequence[UUID],
    client_id: UUID | None,
    inbound_id: UUID,
    now: datetime,
) -> None:
    """Nobody knows who of them it was: a person looks after each, called once."""
    for each in sorted(clients):
        await outreach.pause_for_safety(session, tenant, each, now)
    about, others = About(inbound_id=inbound_id), [one for one in clients if one != client_id]
    await tasks.open_task(session, tenant, client_id, "safety", now, about, alert=True)
    for other in others:
        await tasks.open_task(session, tenant, other, "safety", now, about)


async def _reply_at_once(
    session: AsyncSession,
    tenant: UUID,
    client_id: UUID | None,
    purpose: Purpose,
    body: str,
    sender: Sender | None,
    now: datetime,
) -> str | None:
    """To a number that is no client's, or of a practice that hasn't said from which number it texts.

    In the language that the client wishes; where none is known, in the one in which danger was spoken of.
    """
    wished = (await repository.people.preferences(session, client_id)).language if client_id else None
    ours = sender.language if sender else DEFAULT_LANGUAGE
    said = reply_at_once(purpose, sender, wished or danger(body) or ours)
    if client_id is not None:
        await repository.decisions.add(
            session,
            tenant,
            client_id=client_id,
            purpose=purpose,
            channel="sms",
            outcome="answered" if said else "not_sent",
            reason="no_sender",
            at=now,
        )
    return said


async def _question(session: AsyncSession, phone: str, said: Digit | None, now: datetime) -> Question | None:
    """The newest, to a client who has this number, if it is one still.

    A digit must not call off another visit than the one that the newest text asked about: where that has been moved
    or answered by a tap, and where the digit may correct what was answered a moment ago, a person reads it. Who comes
    to both visits says 1 twice.
    """
    for question in await repository.questions.open_of(session, phone, now):
        contact = await repository.people.contact(session, question.client_id)
        if contact is None or contact.phone != phone:
            continue
        if not await _stands(session, question):
            return None
        before = await repository.questions.was_answered(session, question, now - CORRECTED_WITHIN)
        both = (ANSWERS.get(said) if said and question.kind != "check_in" else None) == before == "confirm"
        return question if before is None or both else None
    return None


async def _stands(session: AsyncSession, question: Question) -> bool:
    """A visit is as it was asked about; a check-in has not been answered on its page."""
    if question.kind == "check_in":
        return (await repository.check_ins.asked_by(session, question.id)).answer is None
    visit = await repository.visits.find(session, question.appointment_id)
    return visit is not None and (visit.status, visit.start) == ("booked", question.start)


async def _follow_answer(
    session: AsyncSession, tenant: UUID, question: Question, said: Digit | None, inbound_id: UUID, now: datetime
) -> None:
    """Whoever should know hears of it; the client is thanked."""
    assert said is not None  # noqa: S101 -- only an answer is followed
    if question.kind == "check_in":
        how = CHECK_IN_ANSWERS[said]
        await repository.questions.answer(session, question.id, how, now)
        asked = await repository.check_ins.asked_by(session, question.id)
        await check_ins.answer(session, tenant=tenant, check_in_id=asked.id, said=how, now=now)
        thanks: Purpose = "check_in_thanks"
    else:
        what = ANSWERS[said]
        await repository.questions.answer(session, question.id, what, now)
        await _tell_booking(session, tenant, question, what, now)
        thanks = _THANKS[what]
    message = new_message(
        client_id=question.client_id,
        visit=await repository.visits.find(session, question.appointment_id),
        purpose=thanks,
        step=f"reply.{inbound_id}",
        channels=("sms",),
        due_at=now,
    )
    await plan_message(session, tenant, message, now)


async def _tell_booking(session: AsyncSession, tenant: UUID, question: Question, said: Answer, now: datetime) -> None:
    """Booking does what the client said."""
    assert question.start is not None  # noqa: S101 -- questions about visits have one
    event = QuestionAnswered(
        sequence=1,
        question_id=question.id,
        client_id=question.client_id,
        appointment_id=question.appointment_id,
        start=question.start,
        answer=said,
        answered_at=now,
    )
    await repository.record(session, tenant, [event], now)


async def _act(
    session: AsyncSession,
    tenant: UUID,
    clients: list[UUID],
    client_id: UUID | None,
    phone: str,
    what: Meaning,
    inbound_id: UUID,
    now: datetime,
) -> None:
    """What counts for a number counts for everybody who has it."""
    for each in clients:
        if what == "opt_out":
            await outreach.end_all(session, tenant, each, "opted_out", now)
        if what in ("opt_out", "opt_in"):
            # A sending transaction holds this row: after us, nothing that it decided before can still go out.
            await repository.people.contact(session, each, lock=True)
            if what == "opt_in" and len(clients) > 1 and not await _had_said_yes(session, each, phone):
                continue
            await add_consent(session, tenant, each, "sms", phone, what == "opt_in", SMS_WORDING, "sms", "client", now)
    if what == "safety":
        await _endangered(session, tenant, clients, client_id, inbound_id, now)
    elif what == "other":
        await _let_read(session, tenant, client_id, inbound_id, now)


async def _let_read(
    session: AsyncSession, tenant: UUID, client_id: UUID | None, inbound_id: UUID, now: datetime
) -> None:
    """It may be a concern, which its words alone don't say: whoever has those in hand reads it."""
    sender = await repository.people.sender(session)
    owner = sender.concerns_owner if sender else None
    about = About(inbound_id=inbound_id)
    await tasks.open_task(session, tenant, client_id, "read_reply", now, about, owner=owner)


def _with_files(body: str, number: int) -> str:
    """Pictures stay with the carrier; whoever reads the text should know that there are some."""
    if not number:
        return body
    return (
        f"{body}\n[{number} picture{'s' if number > 1 else ''} or other files came with it: see your carrier]".strip()
    )


async def _had_said_yes(session: AsyncSession, client_id: UUID, phone: str) -> bool:
    """Whether this client once said yes to texts to a number that others have too, and has taken that back by text
    alone: START undoes STOP, and no more.
    """
    said = [
        one
        for one in await repository.people.consents_of(session, client_id)
        if (one["channel"], one["address"]) == ("sms", phone)
    ]
    otherwise = next((one["granted"] for one in said if one["source"] not in BY_TEXT), True)
    return otherwise and any(one["granted"] for one in said)
