"""How often the interpreter looks for garbage is set, and how long it takes is counted."""

import gc
from collections.abc import Iterator

import pytest

from citybrain import garbage
from citybrain.garbage_pauses import GENERATIONS, NAME, Pauses


@pytest.fixture
def as_before() -> Iterator[None]:
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    yield
    gc.set_threshold(*thresholds)
    gc.callbacks[:] = callbacks


@pytest.mark.usefixtures("as_before")
def test_it_looks_as_seldom_as_it_is_told() -> None:
    garbage.collect_seldom(1_234)
    assert gc.get_threshold() == (1_234, *garbage.OLDER)


@pytest.mark.usefixtures("as_before")
def test_each_look_is_counted_by_generation() -> None:
    gc.disable()  # no other look than ours
    try:
        pauses = Pauses()
        pauses.watch()
        pauses.watch()
        for generation in range(GENERATIONS):
            gc.collect(generation)
        gc.collect(1)
    finally:
        gc.enable()
    (shown,) = pauses.collect()
    found = {
        (each.name.removeprefix(NAME), each.labels["generation"]): each.value
        for each in shown.samples
        if each.labels.get("le", "+Inf") == "+Inf"
    }
    assert [found["_count", str(number)] for number in range(GENERATIONS)] == [1, 2, 1]
    assert [found["_bucket", str(number)] for number in range(GENERATIONS)] == [1, 2, 1]
    assert all(found["_sum", str(number)] > 0 for number in range(GENERATIONS))
