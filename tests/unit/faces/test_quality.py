"""The quality gate: each fault has its own code and advice."""

from dataclasses import replace

import pytest

from citybrain.faces.quality import (
    ENROLMENT,
    VERIFICATION,
    FaceBlurred,
    FaceTooBright,
    FaceTooDark,
    FaceTooSmall,
    FaceTurnedAway,
    PoorSample,
    Quality,
    QualityRules,
    check,
)

GOOD = Quality(0.9, 60.0, 12.0, 120.0, 2.0)


@pytest.mark.parametrize("rules", [VERIFICATION, ENROLMENT])
def test_a_good_picture_passes(rules: QualityRules) -> None:
    check(GOOD, rules)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"eye_distance_px": 10.0}, FaceTooSmall),
        ({"brightness": 20.0}, FaceTooDark),
        ({"brightness": 240.0}, FaceTooBright),
        ({"sharpness": 1.0}, FaceBlurred),
        ({"yaw_degrees": -60.0}, FaceTurnedAway),
    ],
)
def test_each_fault_has_its_code_and_advice(
    fault: dict[str, float], error: type[PoorSample]
) -> None:
    with pytest.raises(error) as refused:
        check(replace(GOOD, **fault), VERIFICATION)
    assert refused.value.code == error.code
    assert refused.value.details["advice"] == error.advice


def test_an_enrolment_asks_for_more() -> None:
    turned = replace(GOOD, yaw_degrees=30.0)
    check(turned, VERIFICATION)
    with pytest.raises(FaceTurnedAway):
        check(turned, ENROLMENT)
