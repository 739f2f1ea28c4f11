"""The other end of a line: whoever is asked, answering as a test wants."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from shared.wire import Answer, Wire


class Line(Wire):
    """Gives one answer to whatever it is asked, and keeps that."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self.answer = answer
        self.asked: list[httpx.Request] = []

    async def ask(self, method: str, url: str, **more: Any) -> Answer:
        form: Mapping[str, str] = more.get("form", {})
        self.asked.append(httpx.Request(method, url, headers=more.get("headers", {}), content=urlencode(form)))
        if isinstance(self.answer, Exception):
            raise self.answer
        return Answer(self.answer.status_code, self.answer.headers, self.answer.content)
