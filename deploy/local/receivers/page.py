"""The page on which one sees what arrived, newest first, and answers a text."""

import re
from datetime import datetime
from html import escape
from pathlib import Path

from deploy.local.receivers.store import LINK, Message

STYLE = (Path(__file__).parent / "style.css").read_text()


def render(messages: list[Message]) -> str:
    cards = "".join(_card(one) for one in reversed(messages)) or "<p>Nothing has arrived yet.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Messages</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>Messages</h1>"
        "<p>What the local mail server and carrier received. Reload to see what is new.</p>"
        f"{cards}</main></body></html>"
    )


def _card(message: Message) -> str:
    kind = "E-mail" if message.channel == "email" else "Text"
    way = f"to {message.to}" if message.direction == "out" else f"from {message.sender}"
    at = datetime.fromisoformat(message.at).strftime("%H:%M:%S")
    chip = f'<span class="chip">{escape(message.status)}</span>' if message.direction == "out" else ""
    again = '<span class="chip">duplicate</span>' if message.duplicate else ""
    head = f"<header><strong>{kind}</strong><span>{escape(way)}</span><time>{at} UTC</time>{chip}{again}</header>"
    subject = f"<h2>{escape(message.subject)}</h2>" if message.subject else ""
    answer = _reply_form(message) if message.channel == "sms" and message.direction == "out" else ""
    text = f'<p class="text">{_linked(message.text)}</p>'
    return f'<article class="{message.direction}">{head}{subject}{text}{answer}</article>'


def _linked(text: str) -> str:
    parts = re.split(f"({LINK.pattern})", text.strip())
    return "".join(
        f'<a href="{escape(part)}">{escape(part)}</a>' if LINK.fullmatch(part) else escape(part) for part in parts
    )


def _reply_form(message: Message) -> str:
    label = f"Answer the text to {message.to}"
    return (
        f'<form method="post" action="/reply/{message.id}"><input name="body" required maxlength="320" '
        f'aria-label="{escape(label)}" placeholder="Answer, e.g. STOP"><button>Send</button></form>'
    )
