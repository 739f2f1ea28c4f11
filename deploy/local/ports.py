"""Ports on the loopback address: the usual one where it is free, else any free one."""

import socket

HOST = "127.0.0.1"
DEFAULTS = {
    "availability": 8001,
    "booking": 8002,
    "notifications": 8003,
    "feedback": 8004,
    "issuer": 8005,
    "receivers": 8006,
    "availability worker": 8011,
    "booking worker": 8012,
    "notifications worker": 8013,
    "feedback worker": 8014,
    "smtp": 8025,
    "postgres": 5442,
    "kafka": 9092,
    "kafka controller": 9093,
    "zipkin": 9411,
}


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(wanted: int | None = None, taken: frozenset[int] = frozenset()) -> int:
    """`wanted` if nobody has it, otherwise one that the system gives."""
    if wanted is not None and wanted not in taken and is_free(wanted):
        return wanted
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port


def choose() -> dict[str, int]:
    """A port for everything in the stack."""
    chosen: dict[str, int] = {}
    for name, wanted in DEFAULTS.items():
        chosen[name] = free_port(wanted, frozenset(chosen.values()))
    return chosen
