"""What a text asks, so that a digit is an answer."""

from datetime import datetime

from services.notifications.domain.check_ins import ANSWERABLE
from services.notifications.domain.model import Message, Question, Visit


def question(message: Message, phone: str, visit: Visit | None, now: datetime) -> Question | None:
    """None where the message asks nothing: about a visit until it starts, how somebody is for a week."""
    if visit is None:
        return None
    if message.purpose == "confirm_request":
        return Question(message.id, phone, message.client_id, visit.id, "visit", visit.start, visit.start, now)
    if message.purpose == "check_in":
        return Question(message.id, phone, message.client_id, visit.id, "check_in", None, now + ANSWERABLE, now)
    return None
