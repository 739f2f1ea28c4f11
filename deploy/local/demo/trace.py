"""Reads one trace from Zipkin and draws it as a tree."""

from collections import defaultdict
from typing import Any

import httpx

Span = dict[str, Any]


async def fetch(http: httpx.AsyncClient, zipkin: str, trace_id: str) -> list[Span]:
    """The spans that Zipkin has of a trace; none while it hasn't heard of it."""
    response = await http.get(f"{zipkin}/api/v2/trace/{trace_id}")
    if response.status_code == 404:
        return []
    response.raise_for_status()
    spans: list[Span] = response.json()
    return spans


def services(spans: list[Span]) -> set[str]:
    return {span.get("localEndpoint", {}).get("serviceName", "") for span in spans}


def tree(spans: list[Span]) -> list[str]:
    """One line a span: indented under its parent, with service, kind, time since the trace began, and duration."""
    known = {span["id"] for span in spans}
    children: dict[str | None, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda one: one["timestamp"]):
        parent = span.get("parentId")
        children[parent if parent in known else None].append(span)
    if not spans:
        return []
    began = min(span["timestamp"] for span in spans)
    lines: list[str] = []

    def draw(span: Span, depth: int) -> None:
        service = span.get("localEndpoint", {}).get("serviceName", "?")
        kind = span.get("kind", "").lower()
        name = "  " * depth + span["name"]
        after = (span["timestamp"] - began) / 1e6
        took = span.get("duration", 0) / 1e3
        lines.append(f"{name:<58.58} {service:<13} {kind:<8} {after:7.2f} s {took:8.1f} ms")
        for child in children[span["id"]]:
            draw(child, depth + 1)

    for root in children[None]:
        draw(root, 0)
    return lines
