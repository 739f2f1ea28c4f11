"""Freed times that a client on the waitlist is offered: told at once, once, and not when they are gone."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.notifications.use_cases import offers
from shared.contracts.waitlist import OfferState, WaitlistOffered, WaitlistOfferEnded
from tests.notifications.conftest import Practice
from tests.support.streams import eventually

pytestmark = pytest.mark.servers


async def offered(practice: Practice, **changes: Any) -> WaitlistOffered:
    now = await practice.now()
    values: dict[str, Any] = {
        "sequence": 1,
        "offer_id": uuid4(),
        "entry_id": uuid4(),
        "client_id": practice.client,
        "schedule_id": uuid4(),
        "provider_id": uuid4(),
        "modality": "in_person",
        "start": now + timedelta(days=1),
        "end": now + timedelta(days=1, hours=1),
        "offered_at": now,
        "expires_at": now + timedelta(minutes=15),
        "fate": "open",
    }
    return WaitlistOffered.model_validate({**values, **changes})


async def follow(practice: Practice, *events: OfferState) -> None:
    for event in events:
        async with practice.resources.database.transaction(practice.tenant) as session:
            await offers.follow_offer(session, tenant=practice.tenant, state=event, now=await practice.now())


def ended(offer: OfferState, fate: str) -> WaitlistOfferEnded:
    return WaitlistOfferEnded.model_validate(offer.model_dump() | {"sequence": 2, "fate": fate})


async def test_an_offer_is_told_once_by_text_with_a_link(practice: Practice) -> None:
    await practice.open("sms", "email")
    offer = await offered(practice)
    await follow(practice, offer, offer)
    await practice.fire_due()
    [body] = practice.outside.texts(practice.phone)
    assert " free, first come: " in body
    assert "/w/" in body
    assert ("waitlist_offer", "sms", "sent", None) in await practice.decisions()


@pytest.mark.parametrize("order", ["ended first", "ended before it went"])
async def test_what_is_gone_is_not_told_and_why_is_on_record(practice: Practice, order: str) -> None:
    await practice.open("sms", "email")
    offer = await offered(practice)
    gone = ended(offer, "lost")
    await follow(practice, *((gone, offer) if order == "ended first" else (offer, gone)))
    await practice.fire_due()
    assert practice.outside.texts(practice.phone) == []
    decisions = [found for found in await practice.decisions() if found[0] == "waitlist_offer"]
    assert decisions == (
        []
        if order == "ended first"
        else [
            ("waitlist_offer", None, "planned", None),
            ("waitlist_offer", None, "not_sent", "offer_over"),
        ]
    )


async def test_a_text_that_fails_goes_on_by_mail(practice: Practice) -> None:
    practice.phone = practice.phone[:-4] + "0000"
    await practice.open("sms", "email")
    await follow(practice, await offered(practice))
    await practice.fire_due()

    async def failed() -> bool:
        return any(one["status"] == "failed" for one in await practice.messages())

    await eventually(failed)
    await practice.fire_due()
    [mail] = practice.outside.mails(practice.email)
    assert "/w/" in mail
