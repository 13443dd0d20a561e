"""Past applications under other rules: exactly what would have been decided otherwise."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from citybrain.audit.applications.what_if import NoSuchVersion, Selection, look_back, version_of
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem, UnknownService
from citybrain.definitions.loading import PACKAGE_FOLDER
from citybrain.domain.actor import Actor, Role
from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from citybrain.systems import load_definitions
from citybrain.vault import Vault, open_key_wrapper
from commands.services import Services
from tests.given.applications import appeal
from tests.given.catalogue import changed
from tests.given.decided_applications import FUND, NOW, REPAYMENT, Applying, applied, registered
from tests.given.services import services_over
from tests.given.terminal import Terminal

SEEN: tuple[dict[str, Any], ...] = (
    {},
    {"account.balance_fen": 1_000_100},
    {"account.last_withdrawal": "2025-08-20"},
    {"account.status": "frozen"},
)


SHIPPED = "housing-fund-repayment-2026-11-30.yaml"


async def noted(_: list[str]) -> None:
    """Nobody is told."""


def stricter(folder: Path, name: str = SHIPPED, **more: str) -> Path:
    """Definitions with a greater reserve, a shorter wait, and no rule on the account's state."""
    text = (PACKAGE_FOLDER / "service" / SHIPPED).read_text()
    changes = {
        "reserve_fen, type: money_fen, value: 100,": "reserve_fen, type: money_fen, value: 50100,",
        "months_between, type: months, value: 12,": "months_between, type: months, value: 6,",
        'require: account.status == "normal"': 'require: account.status != ""',
        **more,
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "service").mkdir(parents=True)
    (folder / "service" / name).write_text(text)
    return folder


def item_of(folder: Path | None = None, day: date | None = None) -> ServiceItem:
    return version_of(load_definitions(folder).of(Catalogue), REPAYMENT, day)


async def four(services: Services) -> list[str]:
    """Approved, approved with less, refused for the wait, refused for the account."""
    citizen = await registered(services)
    return [await (await applied(services, citizen, changes)).save() for changes in SEEN]


async def test_under_the_same_rules_nothing_differs(store: EventStore) -> None:
    services = services_over(store)
    await four(services)
    found = await look_back(Selection(REPAYMENT), item_of(), services, noted)
    assert (found.applications, found.different, found.examples) == (4, 0, [])
    assert found.outcomes == {("approved", "approved"): 2, ("refused", "refused"): 2}
    assert found.amount_then_fen == found.amount_now_fen == 2_900_000 + 1_000_000
    assert set(found.refusal_changes().values()) == {0}


async def test_under_other_rules_exactly_the_differences_are_told(
    store: EventStore, tmp_path: Path
) -> None:
    services = services_over(store)
    ids = await four(services)
    item = item_of(stricter(tmp_path))
    found = await look_back(Selection(REPAYMENT), item, services, noted)
    assert found.item_version == item.version
    assert (found.applications, found.different) == (4, 3)
    assert found.outcomes == {("approved", "approved"): 2, ("refused", "approved"): 2}
    assert found.changed_amounts == 3
    assert found.amount_then_fen == 3_900_000
    assert found.amount_now_fen == 3 * 2_900_000 + 950_000
    assert found.refusal_changes() == {"account-normal": -1, "once-a-year": -1}
    assert [each.application_id for each in found.examples] == ids[1:]
    assert found.examples[1].was.reasons == ("once-a-year",)


async def test_a_version_of_another_day_decides_days_before_it(
    store: EventStore, tmp_path: Path
) -> None:
    """Its parameters are dated later than the applications, and hold nevertheless."""
    services = services_over(store)
    await four(services)
    dates = dict.fromkeys(("2020-06-01", "2026-11-30"), "2027-01-01")
    folder = stricter(tmp_path, "repayment-2027.yaml", **dates)
    for day in (None, date(2027, 1, 1)):
        found = await look_back(Selection(REPAYMENT), item_of(folder, day), services, noted)
        assert found.outcomes == {("approved", "approved"): 2, ("refused", "approved"): 2}
    old = item_of(folder, date(2020, 6, 1))
    assert (await look_back(Selection(REPAYMENT), old, services, noted)).different == 0
    with pytest.raises(NoSuchVersion):
        item_of(folder, date(2026, 1, 1))
    with pytest.raises(UnknownService):
        version_of(load_definitions().of(Catalogue), "nothing", None)


async def test_what_is_erased_undecided_or_of_another_service_is_not_decided(
    store: EventStore,
) -> None:
    services = services_over(store)
    await four(services)
    gone = await registered(services, 2)
    await (await applied(services, gone)).save()
    await services.vault.erase(gone)
    waiting = Applying(services, await registered(services, 3))
    await waiting.submit({})
    await waiting.save()
    await (await applied(services, waiting.citizen_id, service="water-transfer")).save()
    found = await look_back(Selection(REPAYMENT), item_of(), services, noted)
    assert (found.applications, found.erased, found.undecided) == (4, 1, 1)
    assert (
        await look_back(Selection("water-transfer"), item_of(), services, noted)
    ).applications == 1


async def test_records_that_came_after_the_decision_do_not_count(store: EventStore) -> None:
    services = services_over(store)
    applying = await applied(services, await registered(services), failing=["loan"])
    await applying.collect(applying.evidence, actor=FUND)
    await applying.save()
    found = await look_back(Selection(REPAYMENT), item_of(), services, noted)
    assert (found.outcomes, found.different) == ({("referred", "referred"): 1}, 0)


async def test_a_selection_by_day_and_number(store: EventStore) -> None:
    services = services_over(store)
    citizen = await registered(services)
    for days in range(5):
        await (await applied(services, citizen, now=NOW + timedelta(days=days))).save()
    since, until = date(2026, 3, 2), date(2026, 3, 4)
    steps: list[tuple[int, int]] = []
    for selection, count in (
        (Selection(REPAYMENT, since), 4),
        (Selection(REPAYMENT, since, until), 3),
        (Selection(REPAYMENT, since, limit=2), 2),
        (Selection(REPAYMENT, limit=9), 5),
    ):
        steps.clear()
        found = await look_back(
            selection, item_of(), services, noted, lambda done, goal: steps.append((done, goal))
        )
        assert found.applications == count
        assert steps == sorted(steps)
        assert steps[-1] == (await store.head(),) * 2


async def test_pages_and_examples_are_bounded(
    store: EventStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citybrain.audit.applications.what_if.PAGE", 10)
    services = services_over(store)
    citizen = await registered(services)
    for _ in range(30):
        await (await applied(services, citizen, {"account.status": "frozen"})).save()
    found = await look_back(Selection(REPAYMENT), item_of(stricter(tmp_path)), services, noted)
    assert (found.applications, found.different, len(found.examples)) == (30, 30, 20)


async def test_the_command_line_replays_and_explains(
    store: EventStore, settings: Settings, tmp_path: Path
) -> None:
    services, terminal = services_over(store), Terminal(settings, tmp_path / "terminal")
    services.vault = Vault(store.pool, open_key_wrapper(settings))
    ids = await four(services)
    folder = str(stricter(tmp_path))
    replay = ("applications", "replay", "--service", REPAYMENT)

    told = await terminal.run(*replay, "--definitions", folder)
    assert told.status == 0, told.err
    assert "4 applications decided again, 3 differ" in " ".join(told.out.split())
    assert "once-a-year: -1 refusals" in told.out
    assert all(application_id in told.out for application_id in ids[1:])
    some = (await terminal.run(*replay, "--limit", "2", "--json")).json
    assert (some["applications"], some["different"]) == (2, 0)
    wrong = await terminal.run(*replay, "--version", "2019-01-01")
    assert "(no-such-service-version)" in wrong.err

    explained = await terminal.run("applications", "explain", ids[3], "--purpose", "complaint")
    assert explained.status == 0, explained.err
    assert "refused by rules" in explained.out
    assert "The provident fund account is not in order" in " ".join(explained.out.split())
    assert "frozen" not in explained.out
    reads = [
        (event.data["what"], event.data["purpose"], event.data["about"])
        for event in await store.read_all(0, topics=("access.recorded",))
    ]
    assert reads == [
        ("decisions-again", "audit", ids),
        ("decisions-again", "audit", ids[:2]),
        ("decision", "complaint", ids[3:]),
    ]
    before = await store.head()
    opened = await terminal.run("applications", "explain", ids[3], "--open", "audit")
    assert "account.status: frozen → normal: approved" in opened.out
    (note,) = await store.read_all(before)
    assert (note.topic, note.data["purpose"]) == ("application.opened", "audit")


async def test_what_the_rules_refused_in_an_appeal_is_no_difference(store: EventStore) -> None:
    services = services_over(store)
    citizen = await registered(services)
    applying = await applied(services, citizen, {"account.status": "frozen"})
    appeal(applying.application, Actor(citizen, frozenset({Role.CITIZEN})))
    _, frozen = changed(REPAYMENT, {"account.status": "frozen"})
    await applying.collect(frozen, actor=FUND)
    await applying.decide()
    await applying.save()
    found = await look_back(Selection(REPAYMENT), item_of(), services, noted)
    assert (found.different, found.outcomes) == (0, {("refused", "refused"): 1})
