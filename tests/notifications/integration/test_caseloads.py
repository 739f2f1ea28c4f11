"""A provider sees and changes what is of their own clients, and nothing of anybody else's."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.notifications.conftest import Practice, text_in
from tests.notifications.integration.test_check_ins import asked
from tests.notifications.integration.test_console import token
from tests.notifications.misses import missed
from tests.notifications.visits import visit
from tests.support.browser import Browser

pytestmark = pytest.mark.servers

WISHES = {"channels": ["email"], "language": "es"}
READ = (
    "contact",
    "preferences",
    "consents",
    "messages",
    "explain",
    "secure-messages",
)


def of(practice: Practice, provider: UUID) -> dict[str, str]:
    return practice.headers("provider", provider_id=provider)


async def seen(practice: Practice, provider: UUID) -> UUID:
    """A client who has a visit with this provider, has written, and is to be read by somebody."""
    practice.client = uuid4()
    await practice.open("email")
    await practice.follow(await visit(practice, provider_id=provider))
    headers = practice.headers("client", client_id=practice.client)
    path = f"/v1/clients/{practice.client}/secure-messages"
    await practice.call("POST", path, 201, json={"kind": "message", "body": "May I bring my son?"}, headers=headers)
    return practice.client


async def answer(practice: Practice, provider: UUID, method: str, path: str, **more: Any) -> int:
    return (await practice.http.request(method, path, headers=of(practice, provider), **more)).status_code


@pytest.mark.parametrize("whose", ["own", "another's"])
async def test_what_is_known_of_a_client_is_seen_and_changed_by_their_provider_alone(
    whose: str, practice: Practice
) -> None:
    mine, other = uuid4(), uuid4()
    client = await seen(practice, mine if whose == "own" else other)
    here = f"/v1/clients/{client}"
    said = {name: await answer(practice, mine, "GET", f"{here}/{name}") for name in READ}
    consent = {"channel": "email", "granted": True, "wording_version": "1", "source": "desk"}
    said |= {
        "set preferences": await answer(practice, mine, "PUT", f"{here}/preferences", json=WISHES),
        "set contact": await answer(practice, mine, "PUT", f"{here}/contact", json={"email": "a@example.org"}),
        "consent": await answer(practice, mine, "POST", f"{here}/consents", json=consent),
        "write": await answer(practice, mine, "POST", f"{here}/secure-messages", json={"body": "Yes."}),
        "read": await answer(practice, mine, "POST", f"{here}/secure-messages/read"),
        "pause": await answer(practice, mine, "POST", f"{here}/pause"),
        "paused": await answer(practice, mine, "GET", f"{here}/pause"),
        "resume": await answer(practice, mine, "POST", f"{here}/resume"),
    }
    allowed = {200, 201}
    assert {name: status in allowed for name, status in said.items()} == dict.fromkeys(said, whose == "own"), said
    assert set(said.values()) <= (allowed if whose == "own" else {404})
    wished = await practice.call("GET", f"{here}/preferences")
    assert (wished["language"] == "es") is (whose == "own")


async def test_lists_and_tasks_are_of_their_own_clients(practice: Practice) -> None:
    mine, other = uuid4(), uuid4()
    clients = [await seen(practice, provider) for provider in (mine, other)]
    headers = of(practice, mine)
    tasks = (await practice.call("GET", "/v1/tasks", headers=headers))["items"]
    assert [task["client_id"] for task in tasks] == [str(clients[0])]
    written = (await practice.call("GET", "/v1/conversations", headers=headers))["items"]
    assert [one["client_id"] for one in written] == [str(clients[0])]
    all_tasks = {task["client_id"]: task["id"] for task in await practice.tasks()}
    for client, expect in zip(clients, (200, 404), strict=True):
        task = all_tasks[str(client)]
        assert await answer(practice, mine, "GET", f"/v1/tasks/{task}") == expect
        assert await answer(practice, mine, "POST", f"/v1/tasks/{task}/claim") == expect
        assert await answer(practice, mine, "POST", f"/v1/tasks/{task}/release") == expect
        assert await answer(practice, mine, "POST", f"/v1/tasks/{task}/close", json={"outcome": "done"}) == expect
    closed = {task["client_id"]: task["status"] for task in await practice.tasks()}
    assert closed == {str(clients[0]): "closed", str(clients[1]): "open"}


async def test_what_somebody_has_given_them_they_see_too(practice: Practice) -> None:
    """A number that is no client's wrote to the practice; and whoever owns concerns has them, whose ever client."""
    me, provider = "dr-lee", uuid4()
    await practice.open("sms")
    sender = await practice.call("GET", "/v1/sender")
    await practice.call("PUT", "/v1/sender", json=sender | {"concerns_owner": me})
    await text_in(practice, "I waited half an hour")
    headers = practice.headers("provider", provider_id=provider, sub=me)
    [task] = (await practice.call("GET", "/v1/tasks", headers=headers))["items"]
    await practice.call("GET", f"/v1/tasks/{task['id']}", headers=headers)
    assert (await practice.call("GET", "/v1/tasks", headers=of(practice, provider)))["items"] == []


async def test_who_is_with_another_provider_now_and_was_once_with_them_is_theirs_still(practice: Practice) -> None:
    mine, other = uuid4(), uuid4()
    client = await seen(practice, mine)
    await practice.follow(await visit(practice, provider_id=other))
    for provider in (mine, other):
        assert await answer(practice, provider, "GET", f"/v1/clients/{client}/contact") == 200


async def test_a_provider_whose_token_does_not_say_who_they_are_sees_nobody(practice: Practice) -> None:
    client = await seen(practice, uuid4())
    headers = practice.headers("provider")
    for path in (f"/v1/clients/{client}/contact", "/v1/tasks", "/v1/conversations", "/v1/outreach", "/v1/check-ins"):
        assert (await practice.http.get(path, headers=headers)).status_code in (401, 403), path


async def test_check_ins_and_outreach_are_listed_of_their_own_clients(practice: Practice) -> None:
    past = await asked(practice)
    await practice.follow(await missed(practice, provider_id=past.provider_id))
    for path in ("/v1/outreach", "/v1/check-ins"):
        for provider, number in ((past.provider_id, 1), (uuid4(), 0)):
            found = await practice.call("GET", path, headers=of(practice, provider))
            assert len(found["items"]) == number, path


async def test_the_console_shows_a_provider_their_own_clients(practice: Practice) -> None:
    mine, other = uuid4(), uuid4()
    clients = [await seen(practice, provider) for provider in (mine, other)]
    tasks = {task["client_id"]: task["id"] for task in await practice.tasks()}
    browser = Browser(practice.http, practice.url)
    page = await browser.open("/console")
    await browser.send(page.form("/sign-in"), token=token(practice, "provider", provider_id=mine))
    own, others = (str(client) for client in clients)
    for where in ("/console", "/console/conversations"):
        page = await browser.open(where)
        assert own in page.text or tasks[own] in str(page.links), where
        assert others not in page.text and tasks[others] not in str(page.links), where
    said = {}
    for where in (f"clients/{own}", f"tasks/{tasks[own]}", f"clients/{others}", f"tasks/{tasks[others]}"):
        await browser.open(f"/console/{where}")
        said[where] = browser.status
    assert list(said.values()) == [200, 200, 404, 404]
    form = (await browser.open(f"/console/clients/{own}")).form("/write")
    form.action = form.action.replace(own, others)
    await browser.send(form, body="Hello")
    assert browser.status == 404
    form = (await browser.open(f"/console/tasks/{tasks[own]}")).form("/claim")
    form.action = form.action.replace(tasks[own], tasks[others])
    await browser.send(form)
    assert browser.status == 404
    assert {task["status"] for task in await practice.tasks()} == {"open"}
