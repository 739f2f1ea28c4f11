"""The link to meet by video: from the practice's template, a room for each visit, open around its time only."""

import re
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import new as hmac
from urllib.parse import urlsplit
from uuid import UUID

from shared.errors import Kind, Problem, conflict, invalid

ROOM = "{room}"
LONGEST = 500
_ROOM_BYTES = 15
OPENS_BEFORE = timedelta(minutes=15)
CLOSES_AFTER = timedelta(minutes=15)


def check_template(template: str) -> None:
    """Raises Problem `video_link_invalid` unless it is an https address in which the room has its place, once."""
    try:
        parts = urlsplit(template.replace(ROOM, "room"))
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    fine = (
        len(template) <= LONGEST
        and re.fullmatch(r"[!-~]+", template) is not None
        and parts.scheme == "https"
        and bool(host)
        and "@" not in parts.netloc
        and ROOM not in urlsplit(template).netloc
        and template.count("{") == template.count("}") == template.count(ROOM) == 1
        and (port is None or 0 < port < 65_536)
    )
    if not fine:
        raise invalid(
            "video_link_invalid",
            "This should be an https address with {room} in its path, once, such as https://video.example.org/{room}.",
            field="video_link",
        )


def room_of(visit_id: UUID, key: str) -> str:
    """A visit's room: the same at all times, and not to be guessed from anything that is told of the visit."""
    mac = hmac(key.encode(), b"video/1/" + visit_id.bytes, sha256).digest()[:_ROOM_BYTES]
    return b32encode(mac).decode().lower()


@dataclass(frozen=True, slots=True)
class Door:
    """When and where to meet."""

    url: str
    opens_at: datetime
    closes_at: datetime

    def is_open(self, now: datetime) -> bool:
        return self.opens_at <= now < self.closes_at

    def check_open(self, now: datetime) -> None:
        """Raises Problem `not_open_yet` (409) or `visit_over` (410)."""
        if now < self.opens_at:
            raise conflict(
                "not_open_yet",
                f"The link to join is here from {self.opens_at:%Y-%m-%dT%H:%MZ} on.",
                opens_at=self.opens_at.isoformat(),
            )
        if now >= self.closes_at:
            raise Problem(Kind.GONE, "visit_over", "This visit is over.")
