"""`python -m tests.support.openapi <folder>`: writes each service's OpenAPI document."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.support.servers import SETTINGS, settings_for


def document(service: str) -> dict[str, Any]:
    """The document as the service publishes it at /openapi.json."""
    settings = settings_for(service, "postgresql://nobody@127.0.0.1:1/none", "127.0.0.1:1", "http://127.0.0.1:1")
    found: dict[str, Any] = import_module(f"services.{service}.app").create_app(settings).openapi()
    return found


def text(service: str) -> str:
    return json.dumps(document(service), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in SETTINGS:
        (folder / f"{name}.json").write_text(text(name))
