"""Plans and flows edited in the console: looked at, published, and refused with all that was typed."""

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from services.notifications.api.editors import EDITORS
from services.notifications.domain.outreach import DEFAULT_FLOW, OutreachFlow
from services.notifications.domain.plans import DEFAULT_PLAN, ReminderPlan
from shared.console import COOKIE
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_console import token
from tests.support.browser import Browser, Form, Page

pytestmark = pytest.mark.servers

EVERYTHING = {
    "steps": [
        {"after": "PT0S", "message": "missed_you", "channels": ["voice", "sms", "email"], "then": "last"},
        {
            "after": "P1D",
            "message": "barrier_question",
            "channels": ["sms"],
            "when": {
                "first_visit": True,
                "unconfirmed": False,
                "lead_time_at_least": "PT36H",
                "lead_time_at_most": "P30D",
                "modality": "telehealth",
                "barriers": ["cost", "unknown"],
                "misses_at_least": 1,
                "misses_at_most": 3,
                "step_before": "not_arrived",
                "held_out": True,
            },
        },
        {"after": "PT49H30M", "task": "call_client", "name": "last", "then": "end"},
    ],
    "on_barrier": {
        "time": {"message": "other_times", "channels": ["email"]},
        "cost": {"task": "talk_about_payment"},
    },
    "gives_up_after": "P14D",
    "holdout_percent": 7,
}


@pytest.fixture
async def browser(practice: Practice) -> Browser:
    """Somebody of the staff, signed in, at a practice that has set its sender."""
    await practice.open()
    return await signed_in(practice)


async def signed_in(practice: Practice, role: str = "staff", **claims: Any) -> Browser:
    one = Browser(practice.http, practice.url)
    page = await one.open("/console")
    await one.send(page.form("/sign-in"), token=token(practice, role, **claims))
    return one


async def form_of(browser: Browser, what: str) -> Form:
    return (await browser.open(f"/console/{what}/edit")).form(f"/{what}/edit")


async def press(browser: Browser, form: Form, button: str, **typed: str) -> Page:
    """Types into fields by their names, and presses a button."""
    return await browser.send(form, press=button, **typed)


async def flow_now(practice: Practice) -> tuple[int, OutreachFlow]:
    found = await practice.call("GET", "/v1/outreach-flows/current")
    return found["version"], OutreachFlow.model_validate(found["flow"])


async def plan_now(practice: Practice) -> tuple[int, ReminderPlan]:
    found = await practice.call("GET", "/v1/reminder-plans/current")
    return found["version"], ReminderPlan.model_validate(found["plan"])


async def test_from_the_navigation_a_plan_is_looked_at_and_published(browser: Browser, practice: Practice) -> None:
    page = await browser.open("/console")
    page = await browser.open(next(href for words, href in page.links if words == "Reminder plan"))
    assert "Version 0, that of every practice current holds for visits that were booked or moved since" in page.text
    page = await browser.open(next(href for words, href in page.links if words.startswith("Edit")))
    page = await press(
        browser, page.form("/edit"), "Check and look", **{"steps.3.offset": "3", "steps.3.offset.unit": "hours"}
    )
    assert browser.status == 200 and "Nothing is published yet." in page.text
    assert (await plan_now(practice))[0] == 0
    page = await press(browser, page.form("/edit"), "Publish")
    assert (browser.status, browser.url) == (200, "/console/plans?done=1")
    assert "Version 1 is published." in page.text
    assert re.search(r"Version 1 current holds for visits that were booked or moved since [\d-]+ [\d:]+ UTC", page.text)
    changed = DEFAULT_PLAN.steps[3].model_copy(update={"offset": timedelta(hours=3)})
    assert await plan_now(practice) == (1, ReminderPlan(steps=(*DEFAULT_PLAN.steps[:3], changed)))


async def test_a_check_in_plan_is_begun_with_nobody_asked_and_published(browser: Browser, practice: Practice) -> None:
    form = await form_of(browser, "check-ins")
    page = await press(browser, form, "Add a step")
    typed = {"steps.0.after": "5", "steps.0.after.unit": "minutes", "reader": "care-coordinator"}
    page = await press(browser, page.form("/edit"), "Publish", **typed)
    assert browser.status == 422 and "Nothing was published" in page.text
    typed = {"steps.0.after": "3", "steps.0.after.unit": "days", "steps.0.channels.0": "sms"}
    page = await press(browser, page.form("/edit"), "Check and look", **typed)
    assert "how are you?" in page.text
    page = await press(browser, page.form("/edit"), "Publish")
    assert (browser.status, browser.url) == (200, "/console/check-ins?done=1")
    found = await practice.call("GET", "/v1/check-in-plans/current")
    step = found["plan"]["steps"][0]
    assert (found["version"], found["plan"]["reader"]) == (1, "care-coordinator")
    assert (step["after"], step["channels"]) == ("P3D", ["sms"])


async def test_the_preview_has_each_message_with_its_times_and_words(browser: Browser) -> None:
    form = await form_of(browser, "plans")
    page = await press(browser, form, "Check and look", **{"visit.ahead": "60", "visit.ahead.unit": "hours"})
    found = re.search(r"booked ([\d-]+ [\d:]+) UTC and begins ([\d-]+ [\d:]+) UTC", page.text)
    assert found
    booked, start = (datetime.fromisoformat(one) for one in found.groups())
    assert start - booked == timedelta(hours=60)
    assert (
        f"Step 1: confirmation Due {booked:%Y-%m-%d %H:%M} UTC; goes {booked:%Y-%m-%d %H:%M} UTC. By mail:" in page.text
    )
    assert re.search(r"Step 2: reminder Due [^;]+; not sent: too late when booked\.", page.text)
    due = start - timedelta(hours=48)
    assert f"Step 3: confirm request Due {due:%Y-%m-%d %H:%M} UTC; goes" in page.text
    assert re.search(r"By text, 1 text: Maple: [^?]+\? 1 yes 2 move 3 no http", page.text)
    typed = {"visit.confirmed": "yes", "visit.language": "es", "visit.zone": "America/New_York"}
    page = await press(browser, page.form("/edit"), "Check and look", **typed)
    assert "not sent: condition unconfirmed." in page.text and "1 voy 2 otra 3 no" in page.text


async def test_the_preview_of_a_flow_has_what_follows_each_barrier(browser: Browser, practice: Practice) -> None:
    page = await press(browser, await form_of(browser, "flows"), "Check and look", **{"visit.barrier": "cost"})
    assert "Step 3: call client A task for a person. Due" in page.text
    assert re.search("Step 2: barrier question Due [^;]+; not sent: condition barriers", page.text)
    assert "When it was transport: remote offer At once when the client says so. By text" in page.text
    page = await press(
        browser, page.form("/edit"), "Check and look", **{"visit.ahead": "a while", "visit.misses": "-1"}
    )
    assert browser.status == 422 and browser.page.invalid == ["visit.ahead", "visit.misses"]
    assert (await flow_now(practice))[0] == 0


async def test_without_a_sender_there_is_no_preview_and_that_is_said(practice: Practice) -> None:
    browser = await signed_in(practice)
    page = await press(browser, await form_of(browser, "plans"), "Check and look", holdout_percent="9")
    assert browser.status == 409 and "The practice has set no sender yet" in page.text
    assert page.form("/edit").values["holdout_percent"] == "9"


async def test_all_that_a_flow_can_say_is_shown_and_published_again_unchanged(
    browser: Browser, practice: Practice
) -> None:
    await practice.call("POST", "/v1/outreach-flows", 201, json=EVERYTHING)
    page = await browser.open("/console/flows/1")
    for words in (
        "Channels call, or else text, or else mail",
        "Leads to last",
        "Booked at least so long before 36 hours",
        "What the client named as in the way cost or unknown",
        "The message of the step before not arrived",
        "How long after the miss 2970 minutes",
        "Cost Task for a person talk_about_payment",
        "Given up after 14 days",
        "Percent of the clients held out 7",
    ):
        assert words in page.text, words
    await press(browser, await form_of(browser, "flows"), "Publish")
    assert await flow_now(practice) == (2, OutreachFlow.model_validate(EVERYTHING))


async def test_a_flow_is_built_from_the_first_step_on(browser: Browser, practice: Practice) -> None:
    form = await form_of(browser, "flows")
    for _ in range(3):
        form = (await press(browser, form, "Remove step 2")).form("/edit")
    form = (await press(browser, form, "Add a step", holdout_percent="12")).form("/edit")
    typed = {
        "steps.1.after": "1.5",
        "steps.1.after.unit": "hours",
        "steps.1.task": "write_a_card",
        "steps.1.name": "card",
    }
    form = (await press(browser, form, "Move step 2 up", **typed)).form("/edit")
    assert (form.values["steps.0.name"], form.values["steps.1.message"]) == ("card", "missed_you")
    typed = {"steps.1.after": "2", "steps.1.after.unit": "days", "steps.0.then": "end", "on_barrier.other.task": ""}
    await press(browser, form, "Publish", **typed)
    version, flow = await flow_now(practice)
    assert (version, flow.holdout_percent, "other" in flow.on_barrier) == (1, 12, False)
    assert [(step.after, step.task, step.message, step.name, step.then) for step in flow.steps] == [
        (timedelta(minutes=90), "write_a_card", None, "card", "end"),
        (timedelta(days=2), None, "missed_you", None, None),
    ]


async def test_rearranging_steps_publishes_nothing_and_stops_at_as_many_as_may_be(
    browser: Browser, practice: Practice
) -> None:
    form = await form_of(browser, "plans")
    assert form.presses["Check and look"] == next(iter(form.presses.values())), "what Enter in a field presses"
    for _ in range(6):
        form = (await press(browser, form, "Add a step", **{"steps.0.offset": "not yet"})).form("/edit")
    assert "Add a step" not in form.buttons and form.values["steps.0.offset"] == "not yet"
    assert (await plan_now(practice))[0] == 0


REFUSED: list[tuple[str, dict[str, str], str, str]] = [
    ("flows", {"gives_up_after": "7"}, "gives_up_after", "Given up after: This should be later than the last step"),
    ("flows", {"steps.0.name": "a", "steps.2.then": "a"}, "steps.2.then", "Step 3, Leads to: That leads back to a"),
    ("flows", {"steps.2.after": "8"}, "steps.3.after", "Step 4, How long after the miss: Steps should be in the order"),
    ("flows", {"steps.3.channels.0": ""}, "steps.3.channels.0", "Step 4, Channels: A message needs channels"),
    ("flows", {"holdout_percent": "51"}, "holdout_percent", "Percent of the clients held out: At most 50."),
    ("flows", {"steps.1.after": "a week"}, "steps.1.after", "Step 2, How long after the miss: Enter a number"),
    ("flows", {"steps.1.after.unit": "moons"}, "steps.1.after", "Step 2, How long after the miss: Enter a number"),
    ("flows", {"steps.1.message": "sermon"}, "steps.1.message", "Step 2, Message: “sermon” can't be chosen here."),
    ("flows", {"steps.2.task": "x" * 50_000}, "steps.2.task", "Step 3, Task for a person: Small letters and _ only"),
    ("flows", {"steps.2.then": "\x00'<b>"}, "steps.2.then", "Step 3, Leads to: No step is called"),
    ("plans", {"steps.1.channels.0": ""}, "steps.1.channels.0", "Step 2, Channels: Choose at least one."),
    ("plans", {"steps.1.when.modality": "by_pigeon"}, "steps.1.when.modality", "“by_pigeon” can't be chosen here."),
    ("plans", {"holdout_percent": "half"}, "holdout_percent", "Percent of the clients held out: Enter a whole number."),
]


@pytest.mark.parametrize("button", ["Check and look", "Publish"])
@pytest.mark.parametrize(("what", "typed", "field", "words"), REFUSED)
async def test_what_is_wrong_is_said_where_it_was_typed_and_all_of_it_is_kept(
    what: str, typed: dict[str, str], field: str, words: str, button: str, browser: Browser, practice: Practice
) -> None:
    also = {"steps.1.when.misses_at_least": "2", "steps.1.when.barriers.fit": "yes"}
    form = await form_of(browser, what)
    page = await press(browser, form, button, **typed, **also)
    assert browser.status == 422 and "Nothing was published." in page.text
    [(told, to)] = [(told, href) for told, href in page.links if href.startswith("#f-")]
    assert words in told
    marked = page.controls[to.removeprefix("#")]
    assert (marked["name"], marked["aria-invalid"]) == (field, "true")
    assert told.partition(": ")[2] in [page.notes[note] for note in marked["aria-describedby"].split()]
    again = page.form("/edit")
    assert (again.values | {"do": ""}) == (form.values | typed | also | {"do": ""})
    assert (await flow_now(practice))[0] == (await plan_now(practice))[0] == 0


async def test_a_form_with_too_many_steps_or_too_much_of_all_is_refused(browser: Browser, practice: Practice) -> None:
    form = await form_of(browser, "plans")
    step = {name.removeprefix("steps.1."): text for name, text in form.values.items() if name.startswith("steps.1.")}
    for count, status, words in ((11, 422, "Steps: At most 10."), (200, 413, "This form has more in it")):
        form.values |= {f"steps.{number}.{name}": text for number in range(count) for name, text in step.items()}
        page = await press(browser, form, "Publish")
        assert browser.status == status and words in page.text
    form.values = {"version": "0", "holdout_percent": "9" * 2_000_000}
    await press(browser, form, "Publish")
    assert browser.status == 413
    assert (await plan_now(practice))[0] == 0


async def test_what_somebody_else_published_meanwhile_is_not_overwritten(browser: Browser, practice: Practice) -> None:
    form = await form_of(browser, "flows")
    await practice.call("POST", "/v1/outreach-flows", 201, json=EVERYTHING)
    page = await press(browser, form, "Publish", holdout_percent="33")
    assert browser.status == 409
    assert "Version 1 was published meanwhile, and yours began with version 0." in page.text
    assert ("Look at version 1", f"{practice.url}/console/flows/1") in page.links
    assert await flow_now(practice) == (1, OutreachFlow.model_validate(EVERYTHING))
    again = page.form("/edit")
    assert again.values | {"version": "0"} == form.values | {"holdout_percent": "33"}
    await press(browser, again, "Publish")
    assert await flow_now(practice) == (2, DEFAULT_FLOW.model_copy(update={"holdout_percent": 33}))


async def test_of_two_that_publish_at_once_one_is_told(browser: Browser, practice: Practice) -> None:
    one, other = browser, await signed_in(practice, "admin")
    forms = [await form_of(who, "plans") for who in (one, other)]
    pages = await asyncio.gather(
        press(one, forms[0], "Publish", holdout_percent="1"), press(other, forms[1], "Publish", holdout_percent="2")
    )
    assert sorted((one.status, other.status)) == [200, 409]
    version, plan = await plan_now(practice)
    assert (version, plan.holdout_percent) == (1, 1 if one.status == 200 else 2)
    assert sum("published meanwhile" in page.text for page in pages) == 1


async def test_two_publications_by_the_api_at_once_are_two_versions(practice: Practice) -> None:
    plan = {"steps": [{"offset": "PT2H", "channels": ["sms"]}]}
    found = await asyncio.gather(
        *(practice.call("POST", "/v1/reminder-plans", 201, json={**plan, "holdout_percent": n}) for n in range(6))
    )
    assert sorted(one["version"] for one in found) == [1, 2, 3, 4, 5, 6]


async def test_versions_say_whom_they_hold_for_and_an_earlier_one_can_be_gone_back_to(
    browser: Browser, practice: Practice
) -> None:
    for percent in (1, 2, 3):
        await practice.call("POST", "/v1/outreach-flows", 201, json=EVERYTHING | {"holdout_percent": percent})
    page = await browser.open("/console/flows")
    spans = re.findall(
        r"Version (\d)(?: current)? holds for outreach that began (from|since) [^U]+UTC( until)?", page.text
    )
    assert spans == [("3", "since", ""), ("2", "from", " until"), ("1", "from", " until")]
    assert "Version 0, that of every practice holds for outreach that began before" in page.text
    page = await browser.open("/console/flows?before=3")
    assert [words[:9] for words, href in page.links if "/console/flows/" in href and "edit" not in href] == [
        "Version 2",
        "Version 1",
        "Version 0",
    ]
    page = await browser.open("/console/flows/1")
    page = await browser.open(next(href for words, href in page.links if words.startswith("Begin the next")))
    await press(browser, page.form("/edit"), "Publish")
    assert await flow_now(practice) == (4, OutreachFlow.model_validate(EVERYTHING | {"holdout_percent": 1}))
    for nowhere in ("/console/flows/9", "/console/flows/edit?start=9"):
        await browser.open(nowhere)
        assert browser.status == 404


@pytest.mark.parametrize("what", [editor.path for editor in EDITORS])
async def test_who_may_publish_by_the_api_may_here_and_others_only_read(
    what: str, browser: Browser, practice: Practice
) -> None:
    form = await form_of(browser, what)
    sent = form.values | {"do": "publish"}

    async def send(who: str, origin: str = practice.url, **claims: Any) -> httpx.Response:
        headers = {"cookie": f"{COOKIE}={token(practice, who, **claims)}", "origin": origin, "accept": "text/html"}
        return await practice.http.post(f"/console/{what}/edit", data=sent, headers=headers)

    readers: dict[str, dict[str, Any]] = {"provider": {"provider_id": practice.client}, "app": {}}
    for role, claims in readers.items():
        reader = await signed_in(practice, role, **claims)
        for where in (f"/console/{what}", f"/console/{what}/0"):
            page = await reader.open(where)
            assert reader.status == 200 and not [href for _, href in page.links if "edit" in href]
        await reader.open(f"/console/{what}/edit")
        assert reader.status == 403
        assert (await send(role, **claims)).status_code == 403
    client = {"cookie": f"{COOKIE}={token(practice, 'client', client_id=practice.client)}"}
    assert (await practice.http.get(f"/console/{what}", headers=client)).status_code == 403
    assert (await send("client", client_id=practice.client)).status_code == 403
    assert (await send("staff", scope="messages:read")).status_code == 403
    assert (await send("staff", origin="https://evil.example")).status_code == 403
    nobody = await practice.http.post(f"/console/{what}/edit", data=sent, headers={"origin": practice.url})
    assert nobody.status_code == 303 and "/console/sign-in" in nobody.headers["location"]
    assert (await flow_now(practice))[0] == (await plan_now(practice))[0] == 0
    assert (await send("admin")).status_code == 303
    page = await browser.open(f"/console/{what}")
    assert "Version 1 current" in page.text


async def test_one_practice_does_not_see_anothers_versions(browser: Browser, practice: Practice) -> None:
    await press(browser, await form_of(browser, "plans"), "Publish")
    foreign = practice.issuer.headers(practice.client, "staff")["authorization"].removeprefix("Bearer ")
    answer = await practice.http.get("/console/plans/1", headers={"cookie": f"{COOKIE}={foreign}"})
    assert answer.status_code == 404


async def test_each_trigger_has_versions_and_an_editor_of_its_own(browser: Browser, practice: Practice) -> None:
    await practice.call("POST", "/v1/outreach-flows", 201, json=EVERYTHING)
    page = await browser.open("/console/flows")
    where = next(href for words, href in page.links if words == "Outreach flow without a next visit")
    page = await browser.open(where)
    assert "Version 0, that of every practice current" in page.text and "Version 1" not in page.text
    form = await form_of(browser, "unscheduled-flows")
    page = await press(browser, form, "Check and look", **{"steps.0.message": "missed_you"})
    assert browser.status == 422 and "Step 1, Message: Should be closing or next_visit" in page.text
    page = await press(browser, page.form("/edit"), "Check and look", **{"steps.0.message": "next_visit"})
    assert browser.status == 200 and "Step 1: next visit Due" in page.text
    await press(browser, page.form("/edit"), "Publish", **{"steps.1.after": "5"})
    assert browser.url == "/console/unscheduled-flows?done=2"
    published = await practice.call("GET", "/v1/outreach-flows/current?trigger=unscheduled")
    assert (published["version"], published["flow"]["steps"][1]["after"]) == (2, "P5D")
    assert (await flow_now(practice))[0] == 1
    await browser.open("/console/flows/2")
    assert browser.status == 404
