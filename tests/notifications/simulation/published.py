"""What the practice publishes in the course of its year: the defaults first, then a plan and a flow with conditions."""

from services.notifications.domain.check_ins import CheckInPlan
from services.notifications.domain.outreach import DEFAULT_FLOW, OutreachFlow
from services.notifications.domain.plans import ReminderPlan

CHECK_INS = CheckInPlan.model_validate(
    {"steps": [{"after": "P3D", "channels": ["sms", "email"]}, {"after": "P9D", "channels": ["email"]}]}
)
MANY_CHECK_INS = CheckInPlan.model_validate(
    {"steps": [{"after": f"P{days}D", "channels": ["sms", "email"]} for days in (1, 2, 3, 4, 5)]}
)
"""More than rule 4 has room for."""

FIRST_FLOW = DEFAULT_FLOW.model_copy(update={"holdout_percent": 10})
LATER_PLAN = ReminderPlan.model_validate(
    {
        "holdout_percent": 20,
        "steps": [
            {"purpose": "confirmation", "anchor": "booking", "offset": "PT0S", "channels": ["sms", "email"]},
            # Hours after the booking, whatever the hour is then.
            {"purpose": "confirmation", "anchor": "booking", "offset": "PT5H", "channels": ["email"]},
            {"offset": "P5D", "channels": ["email"], "when": {"lead_time_at_least": "P7D", "held_out": False}},
            {
                "purpose": "confirm_request",
                "offset": "PT48H",
                "channels": ["sms", "voice"],
                "when": {"unconfirmed": True, "misses_at_least": 1},
            },
            {"offset": "PT24H", "channels": ["email"], "when": {"step_before": "not_arrived"}},
            {"offset": "PT2H", "channels": ["sms", "email"], "when": {"modality": "telehealth"}},
            {"offset": "PT1H", "channels": ["voice"], "when": {"first_visit": True}},
        ],
    }
)
LATER_FLOW = OutreachFlow.model_validate(
    {
        "holdout_percent": 10,
        "steps": [
            {"after": "PT10M", "message": "missed_you", "channels": ["voice", "sms", "email"]},
            {
                "after": "P1D",
                "message": "barrier_question",
                "channels": ["sms"],
                "when": {"step_before": "not_arrived"},
            },
            {"after": "P2D", "task": "call_client", "when": {"misses_at_least": 2}, "then": "last"},
            {"after": "P3D", "message": "other_times", "channels": ["email", "sms"], "when": {"barriers": ["time"]}},
            {"after": "P7D", "message": "closing", "channels": ["email", "sms"], "name": "last"},
        ],
        "on_barrier": {
            "transport": {"message": "remote_offer", "channels": ["sms", "email"]},
            "cost": {"task": "talk_about_payment"},
        },
        "gives_up_after": "P14D",
    }
)
