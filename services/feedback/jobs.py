"""Timed work of feedback: {kind of timer: handler} → use case. There is none yet."""

from collections.abc import Mapping

from services.feedback.resources import Resources
from shared.timers import Handler


def timers(_resources: Resources) -> Mapping[str, Handler]:
    return {}
