"""What the demo saw: a readable timeline, checks, and a JSON summary."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class DemoFailed(Exception):
    """A check did not hold; the text says which and what was there instead."""


@dataclass
class Timeline:
    """Steps in the order in which they happened, and how many checks held."""

    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    steps: list[dict[str, Any]] = field(default_factory=list)
    checks: int = 0

    def step(self, who: str, what: str, *, latency: float | None = None, note: str = "") -> None:
        """Prints and keeps one step; `latency` is in seconds, from its cause."""
        at = (datetime.now(UTC) - self.began).total_seconds()
        self.steps.append(
            {"at_seconds": round(at, 3), "who": who, "what": what, "latency_seconds": latency, "note": note or None}
        )
        took = f"  +{latency * 1000:.0f} ms" if latency is not None else ""
        print(f"{at:6.1f} s  {who:<13} {what}{took}{'  (' + note + ')' if note else ''}", flush=True)

    def check(self, holds: object, sentence: str) -> None:
        """Counts a check; one that doesn't hold ends the demo. Raises DemoFailed."""
        if not holds:
            raise DemoFailed(sentence)
        self.checks += 1

    def write(self, path: Path, **more: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"steps": self.steps, "checks": self.checks, **more}, indent=2) + "\n")
