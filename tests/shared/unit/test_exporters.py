"""What sends spans away takes no more memory than it needs."""

import subprocess
import sys

LOADED = """
import sys
from shared.telemetry import _exporter
exporter = _exporter("zipkin_json")
print(type(exporter).__name__, "requests" in sys.modules, "charset_normalizer" in sys.modules)
"""


def test_an_exporter_is_loaded_without_the_tables_for_guessing_encodings() -> None:
    found = subprocess.run([sys.executable, "-W", "error", "-c", LOADED], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["ZipkinExporter", "True", "False"]
