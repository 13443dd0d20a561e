"""A mail server on loopback, with STARTTLS and one user, that keeps what it takes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from ops.kafka.security import BROKER, CA, make_certificates

USER, PASSWORD = "citybrain", "quite secret"


@dataclass
class Post:
    """What it took, and how it answers; `port` and `ca` are how it is reached."""

    port: int = 0
    ca: Path = Path()
    answer: str = "250 OK"
    sender_answer: str = "250 OK"
    asked: int = 0
    taken: list[EmailMessage] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.sender_answer

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.asked += 1
        if self.answer.startswith("250"):
            assert session.ssl is not None
            assert session.authenticated
            assert isinstance(envelope.content, bytes)
            found = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(found, EmailMessage)
            self.taken.append(found)
        return self.answer

    def settings(self) -> dict[str, Any]:
        """How citybrain is told of it."""
        return {
            "smtp_host": "127.0.0.1",
            "smtp_port": self.port,
            "smtp_ca_file": self.ca,
            "smtp_username": USER,
            "smtp_password": SecretStr(PASSWORD),
            "mail_from": "news@city.example",
        }


@asynccontextmanager
async def mail_server(folder: Path, *, secure: bool = True) -> AsyncIterator[Post]:
    """It listens at a port of its own while the block runs."""
    make_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / BROKER)
    post = Post(ca=folder / CA)

    def authenticates(*asked: Any) -> AuthResult:
        given = asked[-1]
        assert isinstance(given, LoginPassword)
        right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=right)

    options: dict[str, Any] = {"tls_context": context, "require_starttls": True} if secure else {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(post, authenticator=authenticates, loop=loop, **options), "127.0.0.1", 0
    )
    async with server:
        post.port = server.sockets[0].getsockname()[1]
        yield post
