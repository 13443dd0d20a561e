"""What goes wrong is one sentence and an exit code; a setting that is none is not passed over."""

import errno
import os
import ssl
from typing import Any, get_args

import aiohttp
import asyncpg
import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from citybrain.certificates import CertificateKeyWrong
from citybrain.cli.shared.failures import SettingUnknown, failure_of, refuse_unknown
from citybrain.errors import CitybrainError
from citybrain.eventstore.connecting import DatabaseAway, DatabaseRefused
from citybrain.eventstore.connections import NotEnoughConnections
from citybrain.eventstore.embedded import EmbeddedServerFailed
from citybrain.eventstore.locks import LockHeld
from citybrain.eventstore.migrations import MigrationRefused
from citybrain.exchange.signing import ExchangeKeyMissing
from citybrain.http.server import CannotListen
from citybrain.http.tokens import IssuerNotConfigured
from citybrain.settings import Settings
from citybrain.vault.keys import MasterKeyMissing, MasterKeyWrong

NUMBERS = [
    name
    for name, field in Settings.model_fields.items()
    if {int, float} & {field.annotation, *get_args(field.annotation)}
]


def settings_with(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> Exception:
    """What making the settings of such an environment raises."""
    monkeypatch.setenv(name, value)
    with pytest.raises((ValidationError, SettingsError)) as wrong:
        Settings()
    return wrong.value


STARTS: list[tuple[type[CitybrainError], int]] = [
    (CertificateKeyWrong, 78),
    (DatabaseRefused, 78),
    (DatabaseAway, 75),
    (EmbeddedServerFailed, 78),
    (ExchangeKeyMissing, 78),
    (CannotListen, 69),
    (IssuerNotConfigured, 78),
    (LockHeld, 75),
    (MasterKeyMissing, 78),
    (MasterKeyWrong, 78),
    (MigrationRefused, 78),
    (NotEnoughConnections, 75),
]
"""Why a process does not start: what no new try mends is 78, what one may is 75 or 69."""


@pytest.mark.parametrize(("kind", "status"), STARTS)
def test_a_start_that_fails_says_a_sentence_and_whether_to_try_again(
    kind: type[CitybrainError], status: int
) -> None:
    failure = failure_of(kind("a sentence"))
    assert failure == ((f"a sentence ({kind.code})",), status)


@pytest.mark.parametrize(
    ("error", "said", "status"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "nobody answers there", 69),
        (aiohttp.ServerDisconnectedError(), "nobody answers|does not answer", 69),
        (aiohttp.InvalidURL("x"), "does not answer", 69),
        (TimeoutError(), "too long", 75),
        (FileNotFoundError(errno.ENOENT, "No such file", "a/b.csv"), "a/b.csv: No such file", 74),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left", 74),
        (ssl.SSLError(1, "wrong version"), "wrong version", 74),
        (asyncpg.InvalidCatalogNameError(), "does not exist", 78),
        (asyncpg.InvalidPasswordError(), "does not let this role in", 78),
        (asyncpg.CannotConnectNowError(), "cannot be reached", 75),
        (asyncpg.LockNotAvailableError(), "cannot do this now", 75),
        (ExceptionGroup("of a task", [DatabaseAway("away")]), "away", 75),
    ],
)
def test_what_others_raise_is_a_sentence_too(error: Exception, said: str, status: int) -> None:
    failure = failure_of(error)
    assert failure is not None
    (line,) = failure.lines
    assert any(each in line for each in said.split("|")), line
    assert failure.exit_status == status


def test_a_mistake_of_ours_keeps_its_stack() -> None:
    for mistake in (KeyError("x"), AssertionError(), asyncpg.UndefinedTableError("x")):
        assert failure_of(mistake) is None


@pytest.mark.parametrize("name", NUMBERS)
def test_each_number_has_a_range(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("-1", "inf", "nan", "many"):
        failure = failure_of(settings_with(f"CITYBRAIN_{name.upper()}", value, monkeypatch))
        assert failure is not None
        assert failure.exit_status == 2
        assert failure.lines[0].startswith(f"CITYBRAIN_{name.upper()}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CITYBRAIN_HTTP_PORT", "99999"),
        ("CITYBRAIN_SNAPSHOT_EVERY", "0"),
        ("CITYBRAIN_APPEND_BATCH_LIMIT", "0"),
        ("CITYBRAIN_RATE_LIMIT_PER_SECOND", "0"),
        ("CITYBRAIN_POOL_SIZE", "0"),
        ("CITYBRAIN_LOG_LEVEL", "LOUD"),
        ("CITYBRAIN_MODE", "test"),
        ("CITYBRAIN_NOTIFIER", "no.such:thing"),
        ("CITYBRAIN_OPEN311_CLIENTS", "notjson"),
        ("CITYBRAIN_VAULT_OTHER_KEY_FILES", "/a/key"),
    ],
)
def test_what_no_process_could_work_with_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = failure_of(settings_with(name, value, monkeypatch))
    assert failure is not None
    assert failure.lines[0].startswith(f"{name}: ")
    assert value not in failure.lines[0] or value == "0", "it may be a secret"


def test_a_setting_that_is_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_DATABASE_URL", "")
    assert Settings().database_url is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CITYBRAIN_HTTPPORT", "CITYBRAIN_HTTP_PORT?"),
        ("CITYBRAIN_DATABASE", "CITYBRAIN_DATABASE_URL?"),
        ("citybrain_mod", "CITYBRAIN_MODE?"),
        ("CITYBRAIN_X", "`citybrain settings` lists them"),
        ("CITYBRAIN_STORMY", "`citybrain settings` lists them"),
    ],
)
def test_a_name_that_is_no_setting_is_refused_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(SettingUnknown) as unknown:
        refuse_unknown({name: "1"})
    assert unknown.value.message.startswith(f"{name} is no setting: ")
    assert said in unknown.value.message


def test_names_of_settings_tests_and_benchmarks_are_known() -> None:
    named: dict[str, Any] = dict.fromkeys(
        [f"CITYBRAIN_{name.upper()}" for name in Settings.model_fields]
        + ["CITYBRAIN_TEST_DATABASE_URL", "CITYBRAIN_BENCH_CASES", "CITYBRAIN_STORM"]
        + ["CITYBRAIN_SHARED", "citybrain_mode", "PATH"],
        "1",
    )
    refuse_unknown(named)
    refuse_unknown(os.environ)
