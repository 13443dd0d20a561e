"""What an officer says who sees the picture."""

import pytest

from ops.simulators.parking.officers import decision


@pytest.mark.parametrize(
    ("read", "step", "reason"),
    [
        ("豫A12345", "release", "reading-confirmed"),
        ("A12345", "plate", "incomplete"),
        ("豫A12845", "plate", "misread"),
        (None, "plate", "misread"),
    ],
)
def test_the_true_plate_decides(read: str | None, step: str, reason: str) -> None:
    said, body = decision(read, "豫A12345")
    assert (said, body["reason"]) == (step, reason)
    assert body.get("plate") in (None, "豫A12345")
