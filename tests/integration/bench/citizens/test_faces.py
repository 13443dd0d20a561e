"""The benchmark of faces: what it measures is real, and its large model is one."""

from pathlib import Path

import numpy as np
import pytest

from citybrain.faces.engine import Models
from citybrain.faces.importing import import_pack
from citybrain.faces.pack import DEVELOPMENT_PACK, load_pack
from ops.bench.citizens import faces, resnet
from ops.bench.workbench import open_workbench


async def test_verifications_and_searches_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "TEMPLATES", 5_000)
    monkeypatch.setattr(faces, "PROBES", 2)
    faces._gallery.cache_clear()
    async with open_workbench(0.4, None) as bench:
        verified = await faces.verifying(2)(bench)
        bare = await faces.CONTENDERS["bare_verifications"](bench)
        searched = await faces.searching(exactly=True)(bench)
        read = await faces.reading_memory(bench)
    faces._gallery.cache_clear()
    assert min(verified.rate, bare.rate) > 0
    assert verified.loop_p99_ms is not None
    assert searched.recall == 1.0
    assert read.rate > 0


def test_the_large_recogniser_loads_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resnet, "STAGES", ((64, 1), (128, 1), (256, 1), (512, 1)))
    import_pack(
        tmp_path / "pack",
        pack_id="large",
        display_name="large",
        detector=DEVELOPMENT_PACK / "det_dev.onnx",
        recogniser=resnet.write_resnet50(tmp_path / "r50.onnx"),
        licence=DEVELOPMENT_PACK / "MODEL.LICENSE",
    )
    models = Models(load_pack(tmp_path / "pack", production=False), "cpu")
    found = models.embed([np.zeros((112, 112, 3), np.uint8)] * 3)
    assert found.shape == (3, 512)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
