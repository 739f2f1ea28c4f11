"""A benchmark's figures: medians of several runs with their spread, against targets, beside references."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".local" / "bench"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `target` None for a reference."""

    name: str
    value: float
    unit: str
    target: str | None
    ok: bool | None
    reference: str
    note: str


@dataclass
class Figures:
    """All figures of one benchmark."""

    name: str
    found: list[Figure] = field(default_factory=list)

    def add(
        self,
        name: str,
        runs: Sequence[float],
        unit: str,
        *,
        least: float | None = None,
        most: float | None = None,
        reference: str = "",
        note: str = "",
    ) -> float:
        """Adds the median of the runs; with `least` or `most` it is held to that."""
        value = statistics.median(runs)
        target = f"≥ {least:g}" if least is not None else f"≤ {most:g}" if most is not None else None
        ok = None if target is None else (least is None or value >= least) and (most is None or value <= most)
        spread = f"{len(runs)} runs, {min(runs):.4g}-{max(runs):.4g}"
        figure = Figure(name, round(value, 4), unit, target, ok, reference, f"{spread}; {note}" if note else spread)
        self.found.append(figure)
        verdict = {None: "reference", True: "ok", False: "MISSED"}[ok]
        print(f"{name:<58} {value:>10.4g} {unit:<4} {target or '':<8} {verdict:<10} {figure.note}", flush=True)
        return value

    def write(self) -> int:
        """Writes the file; the number of targets that were missed."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        machine = {"system": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}
        body = {"machine": machine, "figures": [asdict(figure) for figure in self.found]}
        path = FOLDER / f"{self.name}.json"
        path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n")
        print(f"written to {path}")
        return sum(figure.ok is False for figure in self.found)
