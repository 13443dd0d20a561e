"""K36 · certificates that run out: a new one is shown without a restart."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from citybrain.kafka.clients import connection
from citybrain.kafka.renewal import CertificateUnreadable
from citybrain.settings import Settings
from ops.kafka.security import Authority


class Shown(list[str]):
    """The names that callers have shown, one after the other."""


@asynccontextmanager
async def broker(folder: Path, authority: Authority) -> AsyncIterator[tuple[int, Shown]]:
    """Somebody on loopback who asks for a certificate."""
    file = folder / "broker.pem"
    file.write_bytes(b"".join(authority.pair("broker")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.load_verify_locations(cadata=authority.pem.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    shown = Shown()

    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subject = dict(each[0] for each in writer.get_extra_info("peercert")["subject"])
        shown.append(subject["commonName"])
        writer.write(b"seen")
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], shown


def put(folder: Path, pair: tuple[bytes, bytes]) -> None:
    """Replace them, as whatever renews certificates does: one file after the other."""
    for name, content in zip(("key.pem", "certificate.pem"), pair, strict=True):
        (folder / "new").write_bytes(content)
        (folder / "new").rename(folder / name)


async def test_k36_a_certificate_that_was_replaced_is_shown_to_who_is_asked_next(
    tmp_path: Path,
) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    put(tmp_path, authority.pair("first"))
    settings = Settings(
        kafka_bootstrap_servers="127.0.0.1:1",
        kafka_security_protocol="SSL",
        kafka_ca_file=tmp_path / "ca.pem",
        kafka_certificate_file=tmp_path / "certificate.pem",
        kafka_key_file=tmp_path / "key.pem",
    )
    context = connection(settings)["ssl_context"]
    async with broker(tmp_path, authority) as (port, shown):

        async def connect() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            assert await reader.read() == b"seen"
            writer.close()

        await connect()
        key, certificate = authority.pair("second")
        put(tmp_path, (key, (tmp_path / "certificate.pem").read_bytes()))
        with capture_logs() as said:
            await connect()  # half of it is there: the former pair goes on
        assert [each["event"] for each in said] == ["kafka_certificate_not_renewed"]
        put(tmp_path, (key, certificate))
        await connect()
        await connect()
        assert shown == ["first", "first", "second", "second"]
    put(tmp_path, (key, b"none"))
    with pytest.raises(CertificateUnreadable):
        connection(settings)
