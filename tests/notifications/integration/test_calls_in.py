"""Who calls the number that texts come from: what they hear, and to whom they are put through."""

from unittest.mock import ANY
from xml.etree import ElementTree

import pytest

from services.notifications.clients import signature
from services.notifications.domain.words import manner
from tests.notifications.conftest import TOKEN, Practice

pytestmark = pytest.mark.servers


async def test_who_calls_the_number_is_put_through_to_the_practice(practice: Practice) -> None:
    await practice.open("sms")
    response = await called(practice)
    assert [(one.tag, one.text) for one in response] == [("Say", ANY), ("Dial", "+12025550100")]
    assert "988" in str(response[0].text)
    assert response[0].attrib == {"language": "en-US"}
    path = f"/v1/inbound/voice/{practice.tenant}"
    forged = await practice.http.post(path, data={"CallSid": "CA1"}, headers={"x-twilio-signature": "no"})
    assert forged.status_code == 403


async def called(practice: Practice, to: str = "+12025550111") -> ElementTree.Element:
    """What the carrier is told to do with a call to this number."""
    path = f"/v1/inbound/voice/{practice.tenant}"
    form = {"CallSid": "CA1", "From": practice.phone, "To": to}
    headers = {"x-twilio-signature": signature(TOKEN, practice.url + path, form)}
    answer = await practice.http.post(path, data=form, headers=headers)
    return ElementTree.fromstring(answer.text)  # noqa: S314 -- our own


async def test_a_number_that_is_called_does_not_call_itself_and_speaks_the_practices_language(
    practice: Practice,
) -> None:
    assert [one.tag for one in await called(practice)] == ["Say"], "nobody has said who the practice is"
    await practice.open("sms")
    sender = await practice.call("GET", "/v1/sender")
    assert [one.tag for one in await called(practice, sender["phone"])] == ["Say"]
    await practice.call("PUT", "/v1/sender", json=sender | {"sms_from": sender["phone"], "language": "es"})
    [said] = await called(practice)
    assert (said.text, said.attrib) == (manner("es").crisis, {"language": "es-US"})


async def test_who_calls_from_a_clients_number_hears_the_clients_language(practice: Practice) -> None:
    await practice.open("sms")
    await practice.call("PUT", f"/v1/clients/{practice.client}/preferences", json={"language": "es"})
    said, _ = await called(practice)
    assert (said.text, said.attrib) == (manner("es").crisis, {"language": "es-US"})
