"""Each piece of a command can be had by itself, and does what its command does."""

from citybrain.systems import register_streams
from ops.bench.pieces import least_us, pieces


def test_each_piece_runs_and_takes_its_time() -> None:
    register_streams()
    found = pieces()
    assert {"validate", "report", "step"} <= set(found)
    assert all(least_us(piece, 1) > 0 for piece in found.values())
