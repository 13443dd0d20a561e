"""A day with the bank: compared as often as one likes, balanced where nothing differs."""

from datetime import date

from citybrain.domain.treasury.reconciliation import MOST_SHOWN, Compared, Differing, Reconciliation
from tests.given.applications import NOW
from tests.given.streams import topics

DAY = date(2026, 3, 1)


def found(differences: int) -> Compared:
    differing = Differing(
        payment_id="1", reference=None, finding="missing-here", ours_fen=0, bank_fen=1
    )
    return Compared(
        payments=0,
        fen=0,
        bank_payments=differences,
        bank_fen=differences,
        difference_fen=differences,
        differences=differences,
        differing=[differing] * differences,
        statement_sha256="ab" * 32,
    )


def test_each_comparison_is_an_event_and_the_last_says_whether_the_day_is_balanced() -> None:
    day = Reconciliation.begin(NOW, day=DAY)
    assert (day.id, day.balanced) == ("reconciliation-2026-03-01", False)
    day.compare(NOW, found(1))
    assert not day.balanced
    day.compare(NOW, found(0))
    assert day.balanced
    assert topics(day) == [
        "reconciliation.begun",
        "reconciliation.compared",
        "reconciliation.compared",
    ]


def test_of_very_many_differences_some_are_listed_and_all_are_counted() -> None:
    day = Reconciliation.begin(NOW, day=DAY)
    day.compare(NOW, found(MOST_SHOWN + 1))
    fields = vars(day.pending_events[-1])
    assert len(fields["differing"]) == MOST_SHOWN
    assert fields["differences"] == MOST_SHOWN + 1
