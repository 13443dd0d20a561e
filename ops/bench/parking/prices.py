"""Prices a second, beside a plain loop over the same arithmetic.

The loop knows no windows, days, versions, caps or exemptions.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Stay
from citybrain.systems import load_definitions
from ops.bench.figures import Sample
from ops.bench.workbench import Workbench

STAYS = [
    (datetime(2026, 9, 14, 1, tzinfo=UTC) + timedelta(minutes=7 * number), 1 + 13 * number % 900)
    for number in range(500)
]

Pricing = Callable[[datetime, int], int]
"""What a stay costs, in fen, by when it begins and how many minutes it takes."""


async def pricing(bench: Workbench) -> Sample:
    """Stays of up to fifteen hours, by the tariff of the street."""
    tariff = tariff_of(load_definitions(), "street")

    def priced(begins: datetime, minutes: int) -> int:
        stay = Stay(start=begins, end=begins + timedelta(minutes=minutes), zone="1")
        return price(stay, tariff).total_fen

    return _looped(bench.seconds, priced)


async def plain_loop(bench: Workbench) -> Sample:
    """Started hours by the ladder, and nothing else."""

    def ladder(_: datetime, minutes: int) -> int:
        fen = 0
        for hour in range(1, -(-minutes // 60) + 1):
            fen += 400 if hour == 1 or hour > 3 else 200
        return fen

    return _looped(bench.seconds, ladder)


def _looped(seconds: float, one: Pricing) -> Sample:
    done, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        for begins, minutes in STAYS:
            one(begins, minutes)
        done += len(STAYS)
    spent = time.perf_counter() - began
    return Sample(done / spent, cpu_us=(time.process_time() - cpu) / done * 1e6)
