"""The development pack on people it never saw, and the pictures that it learned from."""

import shutil
from pathlib import Path

import numpy as np

from citybrain.faces.calibration import CALIBRATION
from citybrain.faces.pack import DEVELOPMENT_PACK
from ops.devfaces.evaluation import evaluate
from ops.devfaces.pictures import FACES_MOST, aligned_crops, scenes


def test_a_small_evaluation_comes_out_well(tmp_path: Path) -> None:
    pack = Path(shutil.copytree(DEVELOPMENT_PACK, tmp_path / "pack"))
    (pack / CALIBRATION).unlink()

    figures = evaluate(pack, people=24, shots=3)

    assert figures["detection_rate"] > 0.97
    assert figures["matching"]["true_match_rate_at_false_match_rate"]["0.01"] > 0.95
    assert figures["turns"]["side_read_right"] > 0.97
    assert (pack / CALIBRATION).is_file()


def test_training_pictures_carry_their_truth() -> None:
    drawn = scenes(6, 128)
    assert drawn.images.shape == (6, 128, 128, 3)
    assert drawn.faces.shape == (6, FACES_MOST, 14)
    for faces, count in zip(drawn.faces, drawn.counts, strict=True):
        assert not faces[count:].any()
        for face in faces[:count]:
            left, top, right, bottom = face[:4]
            marks = face[4:].reshape(5, 2)
            assert left < right
            assert top < bottom
            assert ((marks[:, 0] > left) & (marks[:, 0] < right)).all()

    crops, labels = aligned_crops(range(50, 53), 2)
    assert crops.shape == (6, 112, 112, 3)
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert np.array_equal(crops, aligned_crops(range(50, 53), 2)[0])
