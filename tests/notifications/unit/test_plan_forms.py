"""The forms of plans and flows: any of them to fields and back, and what is wrong said where it was typed."""

from datetime import timedelta
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from services.notifications.api.filled import Filled, StepForm
from services.notifications.api.forms import Choice, Field, Group, Ranked, Span, YesNo, coded
from services.notifications.api.plan_forms import (
    CHECK_INS,
    DISENGAGING_FLOW,
    FLOW,
    PLAN,
    UNSCHEDULED_FLOW,
    VISIT,
    a_visit,
    read_visit,
)
from services.notifications.domain.check_ins import NO_CHECK_INS, CheckInPlan, CheckInStep
from services.notifications.domain.conditions import Condition
from services.notifications.domain.outreach import DEFAULT_FLOW, DEFAULT_FLOWS, FlowAction, FlowStep, OutreachFlow
from services.notifications.domain.plans import DEFAULT_PLAN, PlanStep, ReminderPlan
from services.notifications.schemas import SampleVisit
from shared.contracts.feedback import Barrier
from shared.contracts.notifications import Channel
from tests.support.build import NOW

CHANNELS = ("sms", "email", "voice")
BARRIERS = ("transport", "cost", "time", "fit", "forgot", "unwell", "other")
whole_seconds = st.builds(timedelta, seconds=st.integers(0, 90 * 86400))
round_ones = st.builds(timedelta, days=st.integers(0, 60), hours=st.integers(0, 47), minutes=st.integers(0, 90))
durations = st.one_of(whole_seconds, round_ones)
either = st.sampled_from((None, True, False))


def ranked(least: int, most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(CHANNELS), min_size=least, max_size=most, unique=True).map(tuple)


def bounds(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    both = st.tuples(values, values).map(lambda pair: tuple(sorted(pair)))
    return st.one_of(both, st.tuples(st.none(), values), st.tuples(values, st.none()), st.just((None, None)))


@st.composite
def conditions(draw: st.DrawFn, first: bool, held_out: st.SearchStrategy[bool | None] = either) -> dict[str, Any]:
    lead, misses = draw(bounds(durations)), draw(bounds(st.integers(0, 1000)))
    ticked = draw(st.sets(st.sampled_from((*BARRIERS, "unknown"))))
    return {
        "first_visit": draw(either),
        "unconfirmed": draw(either),
        "lead_time_at_least": lead[0],
        "lead_time_at_most": lead[1],
        "modality": draw(st.sampled_from((None, "in_person", "telehealth"))),
        # Any of them, so their order says nothing; the form has one.
        "barriers": tuple(one for one in (*BARRIERS, "unknown") if one in ticked),
        "misses_at_least": misses[0],
        "misses_at_most": misses[1],
        "step_before": None if first else draw(st.sampled_from((None, "arrived", "not_arrived"))),
        "held_out": draw(held_out),
    }


@st.composite
def plans(draw: st.DrawFn) -> ReminderPlan:
    percent = draw(st.integers(0, 50))
    held_out = either if percent else st.sampled_from((None, False))
    steps: list[dict[str, Any]] = [
        {
            "purpose": draw(st.sampled_from(("confirmation", "reminder", "confirm_request"))),
            "anchor": draw(st.sampled_from(("booking", "start"))),
            "offset": draw(
                st.one_of(
                    durations.filter(lambda one: one <= timedelta(days=90)),
                    st.timedeltas(timedelta(0), timedelta(days=90)),
                )
            ),
            "channels": draw(ranked(1, 2)),
            "when": draw(conditions(number == 0, held_out)),
        }
        for number in range(draw(st.integers(1, 10)))
    ]
    for before, step in pairwise(steps):
        if not PlanStep.model_validate(before).comes_before(PlanStep.model_validate(step)):
            step["when"]["step_before"] = None
    assume(all(step["anchor"] == "booking" or step["offset"] for step in steps))
    assume(all(step not in steps[:number] for number, step in enumerate(steps)))
    return ReminderPlan.model_validate({"steps": steps, "holdout_percent": percent})


codes = st.text("abcxyz_", min_size=1, max_size=40)


@st.composite
def actions(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        purpose = draw(st.sampled_from(("missed_you", "barrier_question", "remote_offer", "other_times", "closing")))
        return {"message": purpose, "channels": draw(ranked(1, 3))}
    return {"task": draw(codes), "channels": draw(ranked(0, 3))}


@st.composite
def flows(draw: st.DrawFn) -> OutreachFlow:
    count = draw(st.integers(1, 20))
    afters = sorted(draw(st.lists(whole_seconds, min_size=count, max_size=count, unique=True)))
    steps = [
        {
            **draw(actions()),
            "after": after,
            "when": draw(conditions(number == 0)),
            "name": draw(st.sampled_from((None, f"step_{number}"))),
        }
        for number, after in enumerate(afters)
    ]
    for number, step in enumerate(steps):
        later = [one["name"] for one in steps[number + 1 :] if one["name"]]
        step["then"] = draw(st.sampled_from((None, "end", *later)))
    return OutreachFlow.model_validate(
        {
            "steps": steps,
            "on_barrier": draw(st.dictionaries(st.sampled_from(BARRIERS), actions())),
            "gives_up_after": afters[-1]
            + draw(st.timedeltas(timedelta(seconds=1), timedelta(days=90)))
            // timedelta(seconds=1)
            * timedelta(seconds=1),
            "holdout_percent": draw(st.integers(0, 50)),
        }
    )


def sent_and_read(form: StepForm, value: BaseModel) -> BaseModel:
    """As a browser would send the page of it back."""
    return form.model.model_validate(form.body(Filled.of(form.write(value).flat)))


@given(plans())
def test_any_plan_is_the_same_after_its_form(plan: ReminderPlan) -> None:
    assert sent_and_read(PLAN, plan) == plan


@st.composite
def check_ins(draw: st.DrawFn) -> CheckInPlan:
    count = draw(st.integers(0, 8))
    hours = sorted(draw(st.sets(st.integers(1, 2160), min_size=count, max_size=count)))
    steps = [
        {
            "after": timedelta(hours=after),
            "channels": draw(st.sampled_from((("sms",), ("email",), ("sms", "email"), ("email", "sms")))),
            "when": draw(conditions(number == 0, st.none())),
        }
        for number, after in enumerate(hours)
    ]
    return CheckInPlan.model_validate({"steps": steps, "reader": draw(st.sampled_from((None, "care-coordinator")))})


@given(check_ins())
def test_any_check_in_plan_is_the_same_after_its_form(plan: CheckInPlan) -> None:
    assert sent_and_read(CHECK_INS, plan) == plan


@given(flows())
def test_any_flow_is_the_same_after_its_form(flow: OutreachFlow) -> None:
    assert sent_and_read(FLOW, flow) == flow


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (PLAN, DEFAULT_PLAN),
        (CHECK_INS, NO_CHECK_INS),
        (FLOW, DEFAULT_FLOW),
        (UNSCHEDULED_FLOW, DEFAULT_FLOWS["unscheduled"]),
        (DISENGAGING_FLOW, DEFAULT_FLOWS["disengaging"]),
    ],
)
def test_the_default_ones_are_the_same_after_their_form(form: StepForm, value: BaseModel) -> None:
    assert sent_and_read(form, value) == value


WHEN = next(one for one in FLOW.step.fields if isinstance(one, Group))
OF_FLOWS: list[tuple[StepForm, set[str]]] = [
    (FLOW, set()),
    # Nobody is asked for a barrier where nothing was missed.
    (UNSCHEDULED_FLOW, {"on_barrier"}),
    (DISENGAGING_FLOW, {"on_barrier"}),
]
ON_BARRIER = next(one for one in FLOW.whole.fields if isinstance(one, Group))


@pytest.mark.parametrize(
    ("fields", "model", "elsewhere"),
    [
        (PLAN.step.fields, PlanStep, set()),
        *((one.step.fields, FlowStep, set()) for one, _ in OF_FLOWS),
        (PLAN.whole.fields, ReminderPlan, {"steps"}),
        (CHECK_INS.step.fields, CheckInStep, set()),
        (CHECK_INS.whole.fields, CheckInPlan, {"steps"}),
        *((one.whole.fields, OutreachFlow, {"steps", *one.given, *asked}) for one, asked in OF_FLOWS),
        (WHEN.fields, Condition, set()),
        *((one.fields, FlowAction, set()) for one in ON_BARRIER.fields if isinstance(one, Group)),
        (VISIT.fields[1:], SampleVisit, {"start", "booked_at"}),
    ],
)
def test_the_forms_ask_everything_that_the_models_can_say(
    fields: tuple[Field, ...], model: type[BaseModel], elsewhere: set[str]
) -> None:
    assert {field.name for field in fields} | elsewhere == set(model.model_fields)
    for field in fields:
        if isinstance(field, Choice) and not isinstance(field, YesNo):
            assert set(field.choices) == set(coded(model, field.name)), field.name


def test_the_forms_ask_of_every_barrier_and_have_a_place_for_each_channel() -> None:
    assert {one.name for one in ON_BARRIER.fields} == set(BARRIERS) == set(get_args(Barrier))
    [channels] = (one for one in FLOW.step.fields if isinstance(one, Ranked))
    assert len(channels.places) == len(CHANNELS) == len(get_args(Channel))


@pytest.mark.parametrize(
    ("number", "unit", "body"),
    [
        ("3", "days", "P3D"),
        (" 90 ", "minutes", "PT90M"),
        ("1.5", "hours", "PT5400S"),
        ("0,5", "days", "PT43200S"),
        ("", "days", None),
        ("-1", "days", "no duration: -1 days"),
        ("1:30", "hours", "no duration: 1:30 hours"),
        ("P3D", "days", "no duration: P3D days"),
        ("²", "days", "no duration: ² days"),
        ("3", "years", "no duration: 3 years"),
    ],
)
def test_a_duration_is_a_number_and_its_unit(number: str, unit: str, body: str | None) -> None:
    assert Span("after", "After").read({"x": number, "x.unit": unit}, "x") == body


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (timedelta(0), ("0", "minutes")),
        (timedelta(hours=48), ("2", "days")),
        (timedelta(hours=36), ("36", "hours")),
        (timedelta(minutes=90), ("90", "minutes")),
        (timedelta(seconds=90), ("90", "seconds")),
        (timedelta(microseconds=1), ("0.000001", "seconds")),
    ],
)
def test_a_duration_is_shown_in_its_largest_whole_unit(value: timedelta, shown: tuple[str, str]) -> None:
    written = Span("after", "After").write(value, "x")
    assert (written["x"], written["x.unit"]) == shown


def faults(form: StepForm, changed: dict[str, str], of: BaseModel) -> list[tuple[str, str, str]]:
    filled = Filled.of(form.write(of).flat | changed)
    with pytest.raises(ValidationError) as refused:
        form.model.model_validate(form.body(filled))
    return [(one.name, one.where, one.words) for one in form.faults(filled, refused.value)]


@pytest.mark.parametrize(
    ("changed", "name", "where", "words"),
    [
        (
            {"steps.0.name": "a", "steps.2.then": "a"},
            "steps.2.then",
            "Step 3, Leads to",
            "That leads back to a, so the flow",
        ),
        ({"steps.2.then": "b"}, "steps.2.then", "Step 3, Leads to", "No step is called b."),
        ({"steps.0.name": "end"}, "steps.0.name", "Step 1, Name of this step", "Each step should have a name of its"),
        ({"steps.0.name": "a", "steps.3.name": "a"}, "steps.3.name", "Step 4, Name of this step", "Each step should"),
        ({"steps.0.name": "A b"}, "steps.0.name", "Step 1, Name of this step", "For others to lead here."),
        ({"steps.2.task": "Call!"}, "steps.2.task", "Step 3, Task for a person", "Small letters and _ only"),
        ({"steps.2.message": "closing"}, "steps.2.message", "Step 3, Message", "An action is either"),
        ({"steps.3.after": "2"}, "steps.3.after", "Step 4, How long after the miss", "Steps should be in the order"),
        ({"steps.3.after": "soon"}, "steps.3.after", "Step 4, How long after the miss", "Enter a number, such as 3"),
        ({"steps.3.after": "91"}, "steps.3.after", "Step 4, How long after the miss", "At most 90 days."),
        ({"steps.3.after": ""}, "steps.3.after", "Step 4, How long after the miss", "Enter a number, such as 3"),
        ({"steps.3.channels.0": ""}, "steps.3.channels", "Step 4, Channels", "A message needs channels"),
        ({"steps.0.channels.1": "sms"}, "steps.0.channels", "Step 1, Channels", "A message needs channels, each"),
        ({"steps.0.channels.1": "fax"}, "steps.0.channels", "Step 1, Channels", "“fax” can't be chosen here."),
        ({"steps.3.message": "sermon"}, "steps.3.message", "Step 4, Message", "“sermon” can't be chosen here."),
        ({"gives_up_after": "7"}, "gives_up_after", "Given up after", "This should be later than the last step"),
        ({"gives_up_after": "0"}, "gives_up_after", "Given up after", "More than 0 seconds."),
        ({"holdout_percent": "51"}, "holdout_percent", "Percent of the clients held out", "At most 50."),
        ({"holdout_percent": "9" * 5000}, "holdout_percent", "Percent of the clients held out", "Enter a whole"),
        (
            {"steps.0.when.step_before": "arrived"},
            "steps.0.when.step_before",
            "Step 1, Only if, The message of the step before",
            "There is no step before the first one.",
        ),
        (
            {"steps.1.when.misses_at_least": "3", "steps.1.when.misses_at_most": "2"},
            "steps.1.when.misses_at_least",
            "Step 2, Only if, Visits missed so far, at least",
            "At least should not be more than at most",
        ),
        (
            {"steps.1.when.barriers.weather": "yes"},
            "steps.1.when.barriers",
            "Step 2, Only if, What the client named as in the way",
            "“weather” can't be chosen here.",
        ),
        ({"steps.1.when.first_visit": "maybe"}, "steps.1.when.first_visit", "Step 2, Only if, First visit", "Choose"),
        (
            {"on_barrier.cost.task": "", "on_barrier.cost.channels.0": "sms"},
            "on_barrier.cost.message",
            "When the client says what was in the way, cost, Message",
            "An action is either a message or a task.",
        ),
    ],
)
def test_what_is_wrong_in_a_flow_is_said_of_its_field(
    changed: dict[str, str], name: str, where: str, words: str
) -> None:
    [found] = faults(FLOW, changed, DEFAULT_FLOW)
    assert found[:2] == (name, where)
    assert found[2].startswith(words), found[2]


@pytest.mark.parametrize(
    ("changed", "name", "words"),
    [
        ({"steps.1.channels.0": ""}, "steps.1.channels", "Choose at least one."),
        ({"steps.2.channels.1": "sms"}, "steps.2.channels", "This should name each channel once."),
        ({"steps.0.offset": "100", "steps.0.offset.unit": "parsecs"}, "steps.0.offset", "Enter a number"),
        ({"steps.0.offset": "100", "steps.0.offset.unit": "days"}, "steps.0.offset", "At most 90 days."),
        ({"steps.0.when.held_out": "yes"}, "holdout_percent", "This should be more than 0 where a step is for"),
    ],
)
def test_what_is_wrong_in_a_plan_is_said_of_its_field(changed: dict[str, str], name: str, words: str) -> None:
    [found] = faults(PLAN, changed, DEFAULT_PLAN)
    assert found[0] == name and found[2].startswith(words), found


def test_several_faults_come_in_the_order_of_the_page_each_field_once() -> None:
    changed = {"holdout_percent": "x", "gives_up_after": "", "steps.1.when.misses_at_most": "-1", "steps.1.after": ""}
    changed |= {"steps.1.when.barriers.a": "yes", "steps.1.when.barriers.b": "yes"}
    found = [name for name, _, _ in faults(FLOW, changed, DEFAULT_FLOW)]
    assert found == [
        "steps.1.after",
        "steps.1.when.barriers",
        "steps.1.when.misses_at_most",
        "gives_up_after",
        "holdout_percent",
    ]


def test_a_form_without_steps_or_with_too_many_says_so_of_the_steps() -> None:
    none = Filled({"gives_up_after": "3", "gives_up_after.unit": "days"}, ())
    many = Filled(none.fields, ({"after": "1", "after.unit": "days", "task": "call"},) * 21)
    for filled, words in ((none, "Add at least one."), (many, "At most 20.")):
        with pytest.raises(ValidationError) as refused:
            OutreachFlow.model_validate(FLOW.body(filled))
        assert [(one.name, one.words) for one in FLOW.faults(filled, refused.value)] == [("steps", words)]


def test_steps_are_added_removed_and_moved_with_all_that_was_typed() -> None:
    filled = Filled.of({"steps.7.task": "c", "steps.0.task": "a", "holdout_percent": "nonsense", "steps.3.task": "b?"})

    def after(press: str) -> tuple[str, int | None]:
        moved, focus = filled.rearranged(press, {"task": "new"})
        assert moved.fields == {"holdout_percent": "nonsense"}
        return " ".join(step["task"] for step in moved.steps), focus

    assert after("add") == ("a b? c new", 3)
    assert after("remove.1") == ("a c", 1)
    assert after("remove.2") == ("a b?", 1)
    assert after("up.1") == ("b? a c", 0)
    assert after("down.1") == ("a c b?", 2)
    for nothing in ("up.0", "down.2", "remove.3", "up.-1", "up.²", "down.", "dance"):
        assert after(nothing) == ("a b? c", None)


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=10), max_size=20), st.text(max_size=10))
def test_whatever_is_sent_is_read_and_answered(sent: dict[str, str], press: str) -> None:
    for form in (PLAN, FLOW):
        filled, _ = Filled.of(sent).rearranged(press, form.blank)
        try:
            form.model.model_validate(form.body(filled))
        except ValidationError as error:
            assert form.faults(filled, error)


names = st.sampled_from(sorted(FLOW.write(DEFAULT_FLOW).flat | PLAN.write(DEFAULT_PLAN).flat))


@given(st.dictionaries(names, st.sampled_from(("", "0", "-1", "1e9", "sms", "end", "yes", "days", "\x00", "x" * 50))))
def test_whatever_is_typed_is_refused_where_it_was_typed(changed: dict[str, str]) -> None:
    for form, value in ((PLAN, DEFAULT_PLAN), (FLOW, DEFAULT_FLOW)):
        filled = Filled.of(form.write(value).flat | changed)
        assert set(changed.items()) <= set(filled.flat.items())
        try:
            form.model.model_validate(form.body(filled))
        except ValidationError as error:
            assert form.faults(filled, error)


def test_the_visit_to_look_at_is_booked_now_unless_said_ten_days_ahead() -> None:
    visit = read_visit(a_visit(), NOW)
    assert (visit.start - visit.booked_at, visit.first_visit, visit.confirmed) == (timedelta(days=10), True, False)
    other = {"visit.ahead": "36", "visit.ahead.unit": "hours", "visit.first_visit": "no", "visit.barrier": "cost"}
    visit = read_visit(a_visit() | other, NOW)
    assert (visit.start - visit.booked_at, visit.first_visit, visit.barrier) == (timedelta(hours=36), False, "cost")
    for wrong in (
        {"visit.ahead": "soon"},
        {"visit.misses": "-1"},
        {"visit.held_out": "maybe"},
        {"visit.zone": "Mars/Base"},
    ):
        with pytest.raises(ValidationError):
            read_visit(a_visit() | wrong, NOW)
    assert VISIT.read(a_visit(), VISIT.name)["misses"] == "0"
