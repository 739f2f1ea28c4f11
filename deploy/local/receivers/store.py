"""What arrived: kept in memory and, line by line, on disk."""

import asyncio
import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass
class Message:
    """A mail, text or call, either way; `status` is the newest of `history`."""

    id: str
    channel: Literal["email", "sms", "voice"]
    direction: Literal["out", "in"]
    to: str
    sender: str
    subject: str
    text: str
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    status: str = "received"
    history: list[dict[str, str]] = field(default_factory=list)
    duplicate: bool = False
    token: str | None = None
    html: str = ""
    """A mail's other form."""
    calendar: str = ""
    """The calendar file that came with a mail."""
    callback: str | None = None
    returns_to: str = ""
    """Where a mail would return."""

    @property
    def links(self) -> list[str]:
        return LINK.findall(self.text)

    def public(self) -> dict[str, Any]:
        return {**asdict(self), "from": self.sender, "links": self.links}


class Store:
    """All messages, oldest first; whoever waits for one is woken when it comes."""

    def __init__(self, file: Path | None = None) -> None:
        self.messages: list[Message] = []
        self._by_id: dict[str, Message] = {}
        self._by_token: dict[str, Message] = {}
        self._news = asyncio.Condition()
        if file is not None and file.exists():
            for line in file.read_text().splitlines():
                message = Message(**json.loads(line))
                self.messages = [one for one in self.messages if one.id != message.id or message.duplicate]
                self._keep(message)
        self._book = file.open("a", buffering=1) if file is not None else None

    async def add(self, message: Message) -> None:
        message.duplicate = message.id in self._by_id
        self._keep(message)
        await self.changed(message)

    def _keep(self, message: Message) -> None:
        self.messages.append(message)
        self._by_id.setdefault(message.id, message)
        if message.token:
            self._by_token.setdefault(message.token, message)

    async def changed(self, message: Message) -> None:
        """Writes a message's newest state down and wakes those who wait."""
        if self._book is not None:
            self._book.write(json.dumps(vars(message)) + "\n")
        async with self._news:
            self._news.notify_all()

    def find(self, *, to: str = "", channel: str = "", contains: str = "", after: str = "") -> list[Message]:
        return [
            one
            for one in self.messages
            if (not to or one.to == to)
            and (not channel or one.channel == channel)
            and (not contains or contains.lower() in f"{one.subject}\n{one.text}".lower())
            and (not after or one.at > after)
        ]

    async def wait(self, seconds: float, **wanted: str) -> Message | None:
        """The first message that fits, now or within so many seconds."""
        try:
            async with asyncio.timeout(seconds), self._news:
                while not (found := self.find(**wanted)):
                    await self._news.wait()
                return found[0]
        except TimeoutError:
            return None

    def by_id(self, message_id: str) -> Message | None:
        return self._by_id.get(message_id)

    def by_token(self, token: str) -> Message | None:
        """The one that was sent under an idempotency token."""
        return self._by_token.get(token)
