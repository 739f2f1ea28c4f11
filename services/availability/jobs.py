"""Timed work of availability: {kind of timer: handler} → use case. There is none yet."""

from collections.abc import Mapping

from services.availability.resources import Resources
from shared.timers import Handler


def timers(_resources: Resources) -> Mapping[str, Handler]:
    return {}
