"""What booking's pages share: the templates, and how times are written on them."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from services.booking.resources import Resources
from shared.capability import Capability
from shared.contracts.slots import Plan, moment
from shared.pages import Pages

PAGES = Pages(Path(__file__).parent.parent / "pages")


def clock(start: datetime | int, zone: str) -> str:
    """`2:30 pm`; where the clock shows it twice that day, `1:30 am EDT`."""
    wall = (moment(start) if isinstance(start, int) else start).astimezone(ZoneInfo(zone))
    seconds = f":{wall.second:02d}" if wall.second else ""
    # An hour that is there twice: before and after the clock is set back, its offset is another.
    twice = wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
    which = f" {wall:%Z}" if twice else ""
    return f"{wall.hour % 12 or 12}:{wall.minute:02d}{seconds} {'am' if wall.hour < 12 else 'pm'}{which}"


def day(value: date) -> str:
    """`Tuesday 3 March`."""
    return f"{value:%A} {value.day} {value:%B}"


def minutes(value: timedelta) -> str:
    """`50 minutes`."""
    whole = max(1, round(value / timedelta(minutes=1)))
    return "1 minute" if whole == 1 else f"{whole} minutes"


def by_video(plan: Plan) -> str:
    return ", by video" if plan.state.modality == "telehealth" else ""


PAGES.filters(clock=clock, day=day, minutes=minutes)


def base(ours: Resources) -> str:
    return ours.settings.public_url.rstrip("/")


def write_link(
    ours: Resources, purpose: Literal["inbox", "write"], tenant: UUID, client_id: UUID, expires: datetime
) -> str:
    """To where a client writes to the practice; only `inbox` shows what was written before."""
    link = Capability(purpose, tenant, client_id, expires).sign(ours.settings.link_signing_key)
    return f"{ours.settings.notifications_public_url.rstrip('/')}/m/{link}"
