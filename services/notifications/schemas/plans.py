"""Bodies about reminder plans and outreach flows."""

from pydantic import BaseModel

from services.notifications.domain.outreach import DEFAULT_FLOW, OutreachFlow
from services.notifications.domain.plans import DEFAULT_PLAN, ReminderPlan
from services.notifications.schemas.examples import example


class PlanBody(BaseModel):
    """A version of the reminder plan; 0 is the default one."""

    model_config = example(version=1, plan=DEFAULT_PLAN.model_dump(mode="json"))

    version: int
    plan: ReminderPlan


class FlowBody(BaseModel):
    """A version of the outreach flow; 0 is the default one."""

    model_config = example(version=1, flow=DEFAULT_FLOW.model_dump(mode="json"))

    version: int
    flow: OutreachFlow
