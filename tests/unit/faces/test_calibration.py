"""Thresholds: measured against brute force, bound to their pack, never guessed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.faces.calibration import (
    CALIBRATION,
    Calibration,
    CalibrationMissing,
    CalibrationOfAnotherPack,
    RateNotCalibrated,
    load_calibration,
)
from citybrain.faces.measuring import TooFewPairs, calibrate
from citybrain.faces.pack import DEVELOPMENT_PACK, load_pack
from tests.given.analyses import embedding
from tests.given.storm import examples

DIGESTS = {"detection": "1" * 64, "recognition": "2" * 64}


def measured(people: int = 60, shots: int = 2, seed: int = 0) -> tuple[Calibration, np.ndarray]:
    random = np.random.default_rng(seed)
    rows, persons = [], []
    for person in range(people):
        for _ in range(shots):
            raw = embedding(person) + 0.05 * random.standard_normal(512).astype(np.float32)
            rows.append(raw / np.linalg.norm(raw))
            persons.append(str(person))
    vectors = np.array(rows, np.float32)
    calibration = calibrate(vectors, persons, pack_id="p", digests=DIGESTS, made_from="made up")
    same = np.array(persons)[:, None] == np.array(persons)[None]
    scores = (vectors @ vectors.T)[~same]
    return calibration, scores


@examples(5)
@given(st.integers(0, 50))
def test_a_threshold_keeps_its_rate_and_is_the_lowest_that_does(seed: int) -> None:
    calibration, impostor = measured(seed=seed)
    assert calibration.impostor_pairs == len(impostor) // 2
    for point in calibration.points:
        assert (impostor >= point.threshold).mean() <= point.false_match_rate
        lower = point.threshold - 1e-3
        assert (impostor >= lower).sum() >= (impostor >= point.threshold).sum()
        assert point.false_matches / calibration.impostor_pairs <= point.upper_95
        assert point.true_match_rate > 0.5


def test_rates_that_the_pairs_do_not_support_are_not_reported() -> None:
    calibration, _ = measured()
    assert [point.false_match_rate for point in calibration.points] == [1e-2]  # 7 080 pairs
    with pytest.raises(RateNotCalibrated, match="7080 impostor pairs"):
        calibration.at(1e-4)


def test_too_few_pictures_make_no_calibration() -> None:
    with pytest.raises(TooFewPairs):
        measured(people=3)


def test_a_search_of_many_takes_a_stricter_point() -> None:
    calibration = load_pack(None, production=False).calibration
    rates = [calibration.for_search(enrolled).false_match_rate for enrolled in (1, 50, 500)]
    assert rates == sorted(rates, reverse=True)
    assert calibration.for_search(10**9) == min(
        calibration.points, key=lambda point: point.false_match_rate
    )


def test_a_calibration_belongs_to_its_models(tmp_path: Path) -> None:
    with pytest.raises(CalibrationMissing, match="pack calibrate"):
        load_calibration(tmp_path, DIGESTS)
    (tmp_path / CALIBRATION).write_bytes((DEVELOPMENT_PACK / CALIBRATION).read_bytes())
    with pytest.raises(CalibrationOfAnotherPack):
        load_calibration(tmp_path, DIGESTS)
    (tmp_path / CALIBRATION).write_text("{}")
    with pytest.raises(CalibrationMissing):
        load_calibration(tmp_path, DIGESTS)
