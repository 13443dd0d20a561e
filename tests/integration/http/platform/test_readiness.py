"""`/readyz` says no exactly where an honest request would fail, and why."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from citybrain.eventstore import EventStore
from citybrain.eventstore.appender import Appender
from citybrain.eventstore.witness import LogWentBack
from citybrain.http.issuer_keys import IssuerKeys
from citybrain.http.platform.operations import OF_ALL, OF_SOME
from citybrain.http.runtime import Runtime
from tests.given.api import REPORT, Api
from tests.given.photos import encoded, scene

Patch = pytest.MonkeyPatch


@pytest.fixture
def with_workers() -> bool:
    return False


async def nobody() -> Any:
    raise TimeoutError


def issuer_unknown(patch: Patch, runtime: Runtime) -> None:
    patch.setattr(runtime.verifier, "keys", IssuerKeys(nobody))


def clocks_apart(patch: Patch, _: Runtime) -> None:
    patch.setattr(EventStore, "clock_is_off", True)


def queue_full(patch: Patch, runtime: Runtime) -> None:
    patch.setattr(runtime.settings, "append_queue_limit", 0)
    patch.setattr(runtime.store.appender, "_queue_limit", 0)


def no_lane(patch: Patch, runtime: Runtime) -> None:
    patch.setattr(Appender, "cut_off", True)
    patch.setattr(runtime.store.appender, "cut_off_for_long", True)


def database_away(patch: Patch, _: Runtime) -> None:
    patch.setattr(EventStore, "away", True)


def log_went_back(patch: Patch, runtime: Runtime) -> None:
    patch.setattr(runtime.store.witness, "gone", LogWentBack(5, 1))


FAULTS: list[tuple[Callable[[Patch, Runtime], None], str, str]] = [
    (issuer_unknown, "issuer_keys", "issuer-keys-unknown"),
    (clocks_apart, "clock", "clock-off"),
    (queue_full, "append_queue", "store-busy"),
    (no_lane, "appends", "store-unavailable"),
    (database_away, "database", "store-unavailable"),
    (log_went_back, "log", "log-went-back"),
]


async def wrong_with(api: Api) -> tuple[set[str], int, str]:
    """What readiness finds wrong, and what an honest report is answered."""
    ready = await api.call("GET", "/readyz")
    wrong = {name for name, fine in ready.json["checks"].items() if not fine} - OF_ALL - OF_SOME
    assert (ready.status == 200, ready.json["ready"]) == (not wrong, not wrong)
    assert bool(ready.json["reasons"]) == (not all(ready.json["checks"].values()))
    report = await api.call("POST", "/v1/cases", "gateway", json=REPORT)
    if report.status == 503:
        assert int(report.headers["Retry-After"]) >= 1
    return wrong, report.status, report.json.get("code", "")


async def test_readiness_and_an_honest_request_agree_whatever_fails(api: Api) -> None:
    assert await wrong_with(api) == (set(), 201, "")
    for fails, check, code in FAULTS:
        with Patch.context() as patch:
            fails(patch, api.runtime)
            assert await wrong_with(api) == ({check}, 503, code), check
        assert await wrong_with(api) == (set(), 201, ""), f"after {check}"
    named = {check for _, check, _ in FAULTS}
    checks = (await api.call("GET", "/readyz")).json["checks"].keys()
    # A listener that is lost makes reads late, no request fail; one that stops still answers; where
    # there is no room for another connection, nobody is heard (tests/integration/http).
    assert checks - named - OF_ALL - OF_SOME == {"log_listener", "not_closing", "connections"}


async def test_what_only_some_need_makes_no_process_unready(api: Api) -> None:
    """The folder of photos is none: who brings one is told to come again, and reports go on."""
    folder = api.runtime.settings.data_dir / "photos"
    photo = encoded(scene())
    for works in (True, False, True):
        if not works:
            shutil.rmtree(folder)
            folder.touch()
        elif folder.is_file():
            folder.unlink()
        ready = await api.call("GET", "/readyz")
        assert (ready.status, ready.json["checks"]["photos"]) == (200, works)
        assert [said.partition(":")[0] for said in ready.json["reasons"]] == (
            [] if works else ["no photo can be kept or shown"]
        )
        typed = {"Content-Type": "image/jpeg"}
        kept = await api.call("POST", "/v1/photos", "citizen", data=photo, headers=typed)
        if works:
            assert kept.status == 201, kept.body
        else:
            assert kept.is_problem(503, "photos-unavailable")
            assert int(kept.headers["Retry-After"]) >= 1
        assert (await wrong_with(api))[:2] == (set(), 201)
