"""TLS and SASL/PLAIN for the brokers: a certificate authority of the cluster's own, one user."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CA, BROKER = "ca.pem", "broker.pem"
VALID = timedelta(days=365)
SESSION_MS = 2000  # short: whoever stays longer has to get in again
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def secure_listener(folder: Path, user: str, password: str) -> dict[str, str]:
    """The properties of the listener `SASL_SSL`, at which only this user gets in."""
    prefix = "listener.name.sasl_ssl"
    return {
        f"{prefix}.ssl.keystore.type": "PEM",
        f"{prefix}.ssl.keystore.location": str(folder / BROKER),
        f"{prefix}.sasl.enabled.mechanisms": "PLAIN",
        f"{prefix}.plain.sasl.jaas.config": f'{LOGIN} required user_{user}="{password}";',
        f"{prefix}.plain.connections.max.reauth.ms": str(SESSION_MS),
    }


class Authority:
    """A certificate authority that lives as long as this object: its key is kept nowhere."""

    def __init__(self, name: str = "citybrain brokers") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        certificate = _signed(self._name, self._name, self._key, self._key.public_key(), ca=True)
        self.pem = certificate.public_bytes(Encoding.PEM)

    def pair(self, name: str) -> tuple[bytes, bytes]:
        """Key and certificate (PEM) of somebody on loopback."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(self._name, _name(name), self._key, key.public_key(), ca=False)
        return (
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            certificate.public_bytes(Encoding.PEM),
        )


def make_certificates(folder: Path) -> None:
    """`ca.pem`, and `broker.pem` with key and certificate of a broker on loopback."""
    authority = Authority()
    (folder / CA).write_bytes(authority.pem)
    (folder / BROKER).touch(mode=0o600)
    (folder / BROKER).write_bytes(b"".join(authority.pair("broker")))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    issuer: x509.Name,
    subject: x509.Name,
    authority: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
            critical=False,
        )
        .sign(authority, hashes.SHA256())
    )
