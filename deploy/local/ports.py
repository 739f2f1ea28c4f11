"""Ports on the loopback address: the usual one where it is free, else any free one."""

import secrets
import socket

HOST = "127.0.0.1"
BELOW_OUTGOING = range(12_000, 32_000)
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
    """`wanted` if nobody has it, otherwise another that is free.

    None that the system gives: those serve outgoing connections too, and one might have it when the server comes.
    """
    if wanted is not None and wanted not in taken and is_free(wanted):
        return wanted
    while True:
        port = BELOW_OUTGOING.start + secrets.randbelow(len(BELOW_OUTGOING))
        if port not in taken and is_free(port):
            return port


def choose() -> dict[str, int]:
    """A port for everything in the stack."""
    chosen: dict[str, int] = {}
    for name, wanted in DEFAULTS.items():
        chosen[name] = free_port(wanted, frozenset(chosen.values()))
    return chosen
