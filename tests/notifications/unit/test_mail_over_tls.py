"""Mail goes over TLS where that is asked for, to a server that proves who it is, and otherwise not at all."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notifications.clients import mail
from services.notifications.clients.mail import MailServer
from services.notifications.clients.outbound import CarrierUnavailable, Outbound

MAIL = Outbound(id=uuid4(), to="client@example.org", sender="hello@maple.example", subject="Hello", body="See you")


class Kept:
    """A mail server's handler: what came, and whether it came encrypted."""

    def __init__(self) -> None:
        self.mails: list[bool] = []

    async def handle_DATA(self, server: SMTP, _session: Any, _envelope: Any) -> str:
        assert server.transport is not None
        self.mails.append(server.transport.get_extra_info("cipher") is not None)
        return "250 OK"


@pytest.fixture
def certificate(tmp_path: Path) -> Iterator[Callable[[str], tuple[Path, Path]]]:
    """Makes a certificate of a name, signed by itself, with its key."""

    def made(name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        )
        pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        paths = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        paths[0].write_bytes(pem)
        plain = serialization.NoEncryption()
        pkcs8 = serialization.PrivateFormat.PKCS8
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
        return paths

    yield made


@asynccontextmanager
async def mail_server(
    kept: Kept, pair: tuple[Path, Path] | None, *, from_the_start: bool = False
) -> AsyncIterator[MailServer]:
    context = None
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
    loop = asyncio.get_running_loop()
    offered = None if from_the_start else context
    server = await loop.create_server(
        lambda: SMTP(kept, hostname="localhost", tls_context=offered, loop=loop),
        "127.0.0.1",
        0,
        ssl=context if from_the_start else None,
    )
    port = server.sockets[0].getsockname()[1]
    try:
        yield MailServer("email", "localhost", port, None, None, starttls=True)
    finally:
        server.close()
        await server.wait_closed()


async def test_mail_goes_encrypted_to_a_server_that_proves_its_name(
    certificate: Callable[[str], tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair, kept = certificate("localhost"), Kept()
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    async with mail_server(kept, pair) as server:
        assert await server.send(MAIL) == f"<{MAIL.id}@maple.example>"
    assert kept.mails == [True]


async def test_mail_goes_to_a_server_that_is_encrypted_from_the_start(
    certificate: Callable[[str], tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair, kept = certificate("localhost"), Kept()
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    async with mail_server(kept, pair, from_the_start=True) as server:
        monkeypatch.setattr(mail, "TLS_PORT", server.port)
        await server.send(MAIL)
    assert kept.mails == [True]


@pytest.mark.parametrize("wrong", ["nobody vouches for it", "another's name", "no TLS at all"])
async def test_nothing_is_handed_to_a_server_that_does_not(
    wrong: str, certificate: Callable[[str], tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair, kept = certificate("elsewhere.example" if wrong == "another's name" else "localhost"), Kept()
    if wrong == "another's name":
        monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    async with mail_server(kept, None if wrong == "no TLS at all" else pair) as server:
        with pytest.raises(CarrierUnavailable):
            await server.send(MAIL)
    assert kept.mails == []
