"""Room on disks and the end of certificates are looked at with each scrape."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import REGISTRY

from citybrain.http import machine
from citybrain.settings import Settings

SETTING = {"setting": "kafka_certificate_file"}
ENDS = "citybrain_certificate_ends_timestamp_seconds"


def write_certificate(path: Path, days: int) -> float:
    """A certificate that ends in so many days; when that is."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "citybrain")])
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = (made.not_valid_before(ends - timedelta(days=400)).not_valid_after(ends)).sign(
        key, hashes.SHA256()
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return ends.timestamp()


def test_a_certificate_that_is_replaced_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "client.pem"
    first = write_certificate(path, 10)
    machine.watch_machine(Settings(data_dir=tmp_path, kafka_certificate_file=path))
    assert REGISTRY.get_sample_value(ENDS, SETTING) == first
    second = write_certificate(path, 365)
    assert REGISTRY.get_sample_value(ENDS, SETTING) == second
    path.write_text("no certificate")
    assert str(REGISTRY.get_sample_value(ENDS, SETTING)) == "nan"


def test_of_a_chain_the_first_end_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "one.pem", tmp_path / "two.pem"
    ends = [write_certificate(first, 90), write_certificate(second, 30)]
    both = tmp_path / "both.pem"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    assert machine.first_end(both) == min(ends)


def test_the_disk_of_a_folder_has_room_or_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.watch_machine(Settings(data_dir=tmp_path))
    free = REGISTRY.get_sample_value("citybrain_disk_free_bytes", {"of": "data"})
    whole = REGISTRY.get_sample_value("citybrain_disk_bytes", {"of": "data"})
    assert free is not None
    assert whole is not None
    assert 0 < free < whole
    machine.watch_machine(Settings(data_dir=tmp_path / "nowhere"))
    assert str(REGISTRY.get_sample_value("citybrain_disk_bytes", {"of": "data"})) == "nan"
