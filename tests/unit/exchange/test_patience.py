"""Who fails in a row is left alone; a second request is worth its cost now and then."""

from citybrain.exchange.patience import (
    COOLS_SECONDS,
    HEDGE_FLOOR_SECONDS,
    HEDGES_SAVED,
    OPENS_AFTER,
    Breaker,
    Hedging,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_circuit_opens_after_failures_in_a_row_and_closes_after_a_probe() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(OPENS_AFTER - 1):
        breaker.note(failed=True)
    breaker.note(failed=False)
    for _ in range(OPENS_AFTER - 1):
        breaker.note(failed=True)
    assert breaker.lets_through()
    breaker.note(failed=True)
    assert breaker.is_open
    assert not breaker.lets_through()
    clock.now += COOLS_SECONDS
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    breaker.note(failed=False)
    assert breaker.lets_through()
    assert not breaker.is_open


def test_a_probe_that_fails_leaves_it_open() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(OPENS_AFTER):
        breaker.note(failed=True)
    clock.now += COOLS_SECONDS
    assert breaker.lets_through()
    breaker.note(failed=True)
    clock.now += COOLS_SECONDS / 2
    assert not breaker.lets_through()


def test_the_delay_is_the_recent_95th_percentile() -> None:
    hedging = Hedging()
    assert hedging.delay_seconds() == HEDGE_FLOOR_SECONDS
    for hundredths in range(1, 101):
        hedging.note(hundredths / 100)
    assert hedging.delay_seconds() == 0.96
    for _ in range(100):
        hedging.note(0.01)
    assert hedging.delay_seconds() == HEDGE_FLOOR_SECONDS


def test_a_tenth_of_the_requests_is_hedged_at_most() -> None:
    hedging = Hedging()
    spent = 0
    while hedging.spend():
        spent += 1
    assert spent == HEDGES_SAVED
    for _ in range(101):
        hedging.note(0.2)
    more = 0
    while hedging.spend():
        more += 1
    assert more == 10
