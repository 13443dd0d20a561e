"""TLS with certificates that are replaced on disk while we run.

A client keeps the context that it was made with. This one looks at its files before each new
connection, so the brokers see the new certificate as soon as they are asked again; connections that
live go on as they are.
"""

import ssl
from pathlib import Path
from typing import Any

import structlog

from citybrain.errors import CitybrainError

log = structlog.get_logger(__name__)


class CertificateUnreadable(CitybrainError):
    """The certificate or the key for the brokers cannot be read, or do not belong together."""

    code = "kafka-certificate-unreadable"


class RenewedContext(ssl.SSLContext):
    """A client's context over some files; get one from `renewed_context`."""

    _authority: Path | None = None
    _certificate: Path | None = None
    _key: Path | None = None
    _seen: tuple[int, ...] | None = None

    def wrap_bio(self, *arguments: Any, **how: Any) -> ssl.SSLObject:
        """Called by the event loop for each connection, before the handshake."""
        self.renew()
        return super().wrap_bio(*arguments, **how)

    def renew(self) -> None:
        """Read the files again where they were replaced; else, or in vain, all stays as it was."""
        try:
            now = self._times()
            if now == self._seen:
                return
            self._read()
        except (OSError, ValueError, CertificateUnreadable) as error:
            log.error("kafka_certificate_not_renewed", error=type(error).__name__)
            return
        log.info("kafka_certificate_renewed")
        self._seen = now

    def begin(self, authority: Path | None, certificate: Path | None, key: Path | None) -> None:
        """Read them for the first time; raises `CertificateUnreadable`."""
        self._authority, self._certificate, self._key = authority, certificate, key
        if authority is None:
            self.load_default_certs()
        try:
            self._seen = self._times()
            self._read()
        except (OSError, ValueError) as error:
            raise CertificateUnreadable(f"of the brokers: {type(error).__name__}") from error

    def _times(self) -> tuple[int, ...]:
        files = (self._authority, self._certificate, self._key)
        return tuple(file.stat().st_mtime_ns for file in files if file is not None)

    def _read(self) -> None:
        if self._authority is not None:
            self.load_verify_locations(self._authority)
        if self._certificate is None:
            return
        together = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # half of a pair must not come in
        together.load_cert_chain(self._certificate, self._key)
        self.load_cert_chain(self._certificate, self._key)


def renewed_context(
    authority: Path | None, certificate: Path | None, key: Path | None
) -> RenewedContext:
    """A context that trusts `authority` (the system's where absent) and shows our certificate.

    Raises `CertificateUnreadable`.
    """
    context = RenewedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.begin(authority, certificate, key)
    return context
