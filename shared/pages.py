"""Server-rendered pages: Jinja with autoescape, and headers that keep a page and its link to itself."""

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape

_SHARED = Path(__file__).parent / "templates"
_STYLE = (_SHARED / "style.css").read_text()
_CONSOLE_STYLE = _STYLE + (_SHARED / "console.css").read_text()


def _headers(style: str, referrer: str) -> dict[str, str]:
    return {
        "content-security-policy": (
            f"default-src 'none'; style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}';"
            " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "referrer-policy": referrer,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
    }


class Pages:
    """The pages of one service, from its folder, on the layout for clients or on the console's."""

    def __init__(self, folder: Path, *, console: bool = False) -> None:
        style = _CONSOLE_STYLE if console else _STYLE
        # A link's address is a capability and must not travel on; the console's forms need their origin.
        self._headers = _headers(style, "same-origin" if console else "no-referrer")
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(_SHARED)]),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["style"] = style
        self._environment.filters["local"] = local_time

    def filters(self, **own: Callable[..., Any]) -> None:
        """Adds filters of this service's pages."""
        self._environment.filters.update(own)

    def render(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        return HTMLResponse(self._environment.get_template(template).render(**values), status, self._headers)


def local_time(moment: datetime, zone: str) -> str:
    """`Tuesday 3 March, 2:30 pm (EST)`; seconds only where there are any."""
    wall = moment.astimezone(ZoneInfo(zone))
    seconds = f":{wall.second:02d}" if wall.second else ""
    clock = f"{wall.hour % 12 or 12}:{wall.minute:02d}{seconds} {'am' if wall.hour < 12 else 'pm'}"
    return f"{wall:%A} {wall.day} {wall:%B}, {clock} ({wall:%Z})"
