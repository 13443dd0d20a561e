"""What somebody is told who cannot connect: a sentence, and no part of the URL."""

import socket
import ssl
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from citybrain.errors import CitybrainError
from citybrain.eventstore import open_event_store
from citybrain.eventstore.connecting import DatabaseAway, DatabaseRefused, refusal_of
from citybrain.settings import Settings

NOT_TRUSTED = ssl.SSLCertVerificationError("self-signed")
NOT_TRUSTED.verify_message = "self-signed"
REFUSED = (
    NOT_TRUSTED,
    ssl.SSLError("handshake"),
    asyncpg.InvalidPasswordError("for role citybrain"),
    asyncpg.InvalidAuthorizationSpecificationError("no entry in pg_hba.conf"),
    asyncpg.InvalidCatalogNameError("no city"),
    asyncpg.ClientConfigurationError("sslrootcert"),
    ValueError("port"),
)
AWAY = (
    ConnectionRefusedError(),
    TimeoutError(),
    socket.gaierror(),
    asyncpg.CannotConnectNowError("starting up"),
    asyncpg.ProtocolViolationError("pooler: no such user"),
)


@pytest.mark.parametrize("error", REFUSED, ids=lambda error: type(error).__name__)
def test_what_no_second_try_will_mend_is_of_the_settings(error: Exception) -> None:
    told = refusal_of(error)
    assert isinstance(told, DatabaseRefused)
    assert told.exit_status == 78


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_what_another_try_may_not_meet_is_for_later(error: Exception) -> None:
    told = refusal_of(error)
    assert isinstance(told, DatabaseAway)
    assert told.exit_status == 75


def test_a_fault_of_ours_is_no_refusal() -> None:
    assert refusal_of(KeyError("x")) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://city:hidden@example/city",
        "postgresql://city:hidden@localhost:port/city",
        "postgresql://city:hidden@/city?host=/nowhere",
        "postgresql://city:hidden@localhost/city?sslmode=verify-full&sslrootcert=/nowhere",
    ],
)
async def test_a_url_that_leads_nowhere_is_told_without_what_is_in_it(
    url: str, tmp_path: Path
) -> None:
    settings = Settings(database_url=SecretStr(url), data_dir=tmp_path)
    with pytest.raises(CitybrainError) as told:
        async with open_event_store(settings):
            pass
    assert isinstance(told.value, (DatabaseRefused, DatabaseAway))
    assert "hidden" not in told.value.message
    assert "city:" not in told.value.message
