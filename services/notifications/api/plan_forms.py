"""What the forms of reminder plans and outreach flows ask, field by field."""

from datetime import datetime, timedelta

from pydantic import Field

from services.notifications.api.filled import StepForm
from services.notifications.api.forms import Choice, Group, Number, Ranked, Sent, Span, Text, Ticks, YesNo, coded
from services.notifications.domain.check_ins import CheckInPlan, CheckInStep
from services.notifications.domain.conditions import Condition
from services.notifications.domain.outreach import FlowAction, FlowStep, OutreachFlow
from services.notifications.domain.plans import PlanStep, ReminderPlan
from services.notifications.schemas import SampleVisit
from shared.bodies import Duration
from shared.contracts.notifications import OutreachTrigger

CHANNELS = {"sms": "text", "email": "mail", "voice": "call"}
ANY = "doesn't matter"

WHEN = Group(
    "when",
    "Only if",
    "All that is said here must hold at the moment of sending.",
    fields=(
        YesNo("first_visit", "First visit", none=ANY),
        YesNo("unconfirmed", "Not confirmed by the client", none=ANY),
        Span("lead_time_at_least", "Booked at least so long before"),
        Span("lead_time_at_most", "Booked at most so long before"),
        Choice("modality", "Kind of visit", choices=coded(Condition, "modality"), none=ANY),
        Ticks("barriers", "What the client named as in the way", choices=coded(Condition, "barriers")),
        Number("misses_at_least", "Visits missed so far, at least"),
        Number("misses_at_most", "Visits missed so far, at most"),
        Choice("step_before", "The message of the step before", choices=coded(Condition, "step_before"), none=ANY),
        YesNo("held_out", "Client is held out, for comparison", none=ANY),
    ),
)

PLAN = StepForm(
    model=ReminderPlan,
    step_model=PlanStep,
    step=Group(
        "",
        "",
        fields=(
            Choice("purpose", "Message", choices=coded(PlanStep, "purpose")),
            Span("offset", "How long before or after"),
            Choice("anchor", "Counted from", choices={"start": "before the start", "booking": "after the booking"}),
            Ranked("channels", "Channels", choices=CHANNELS, none="none", places=("First choice", "Second choice")),
            WHEN,
        ),
    ),
    whole=Group(
        "",
        "",
        fields=(Number("holdout_percent", "Percent of the clients held out", "Steps may ask who is."),),
    ),
)

CHECK_INS = StepForm(
    model=CheckInPlan,
    step_model=CheckInStep,
    step=Group(
        "",
        "",
        fields=(
            Span("after", "How long after the visit"),
            Ranked("channels", "Channels", choices=CHANNELS, none="none", places=("First choice", "Second choice")),
            WHEN,
        ),
    ),
    whole=Group(
        "",
        "",
        fields=(Text("reader", "Who reads the answers", "Empty is the provider whom the client saw."),),
    ),
)

ACTION = (
    Choice("message", "Message", choices=coded(FlowAction, "message"), none="none, but a task for a person"),
    Ranked("channels", "Channels", choices=CHANNELS, none="none"),
    Text("task", "Task for a person", "Small letters and _ only, such as call_client."),
)

ON_BARRIER = Group(
    "on_barrier",
    "When the client says what was in the way",
    fields=tuple(Group(barrier, words, fields=ACTION) for barrier, words in coded(OutreachFlow, "on_barrier").items()),
)


def _flow(trigger: OutreachTrigger, after: str, *more: Group) -> StepForm:
    """The form of the flows with one trigger: what each counts from differs, and what it can answer."""
    step = Group(
        "",
        "",
        fields=(
            Span("after", after),
            *ACTION,
            WHEN,
            Text("name", "Name of this step", "For others to lead here. Small letters, digits and _, a letter first."),
            Text("then", "Leads to", "The name of a later step, or end; empty is the next step."),
        ),
    )
    whole = Group(
        "",
        "",
        fields=(
            *more,
            Span("gives_up_after", "Given up after"),
            Number("holdout_percent", "Percent of the clients held out", "Left alone, for comparison."),
        ),
    )
    return StepForm(model=OutreachFlow, step_model=FlowStep, step=step, whole=whole, given={"trigger": trigger})


FLOW = _flow("missed", "How long after the miss", ON_BARRIER)
UNSCHEDULED_FLOW = _flow("unscheduled", "How long after nothing was booked")
DISENGAGING_FLOW = _flow("disengaging", "How long after they were seen to stay away")

VISIT = Group(
    "visit",
    "The visit to look at",
    fields=(
        Span("ahead", "Booked so long before"),
        Text("zone", "Client's time zone", "Such as America/New_York; empty is one that isn't known."),
        YesNo("first_visit", "First visit"),
        YesNo("confirmed", "Confirmed by the client"),
        Choice("modality", "Kind of visit", choices=coded(SampleVisit, "modality")),
        Number("misses", "Visits missed so far"),
        Choice("barrier", "What was in the way", choices=coded(SampleVisit, "barrier"), none="not known"),
        YesNo("step_before_arrived", "The message of the step before arrived", none="not known"),
        YesNo("held_out", "Client is held out"),
        Choice("language", "Language", choices={"en": "English", "es": "Spanish"}, none="the practice's"),
    ),
)


class _VisitAhead(SampleVisit):
    """A visit by how long before its start it was booked."""

    ahead: Duration = Field(timedelta(days=10), ge=timedelta(0), le=timedelta(days=365))


def a_visit() -> dict[str, str]:
    """The visit to look at, before anybody has said another."""
    known = {name: one.default for name, one in _VisitAhead.model_fields.items() if not one.is_required()}
    return VISIT.write(known, VISIT.name)


def read_visit(sent: Sent, now: datetime) -> SampleVisit:
    """One that was booked just now. Raises ValidationError."""
    booked_at = now.replace(second=0, microsecond=0)
    said = {**(VISIT.read(sent, VISIT.name) or {}), "booked_at": booked_at, "start": booked_at}
    visit = _VisitAhead.model_validate(said)
    return visit.model_copy(update={"start": booked_at + visit.ahead})
