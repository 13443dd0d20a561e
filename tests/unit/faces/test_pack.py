"""Model packs: each way to be wrong has its own error, and nothing is downloaded."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from citybrain.errors import CitybrainError
from citybrain.faces.calibration import CALIBRATION
from citybrain.faces.engine import GpuAbsent, Models
from citybrain.faces.importing import CannotImport, import_pack
from citybrain.faces.pack import (
    DEVELOPMENT_PACK,
    DevelopmentPackInProduction,
    PackInvalid,
    PackMissing,
    PackTampered,
    load_pack,
)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the development pack to damage."""
    return Path(shutil.copytree(DEVELOPMENT_PACK, tmp_path / "pack"))


def edited(folder: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    manifest = json.loads((folder / "manifest.json").read_text())
    edit(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_the_development_pack_is_whole_and_says_what_it_is() -> None:
    pack = load_pack(None, production=False)
    assert pack.development
    assert "unfit for real people" in pack.display_name
    assert all(
        (DEVELOPMENT_PACK / f).stat().st_size < 2_000_000 for f in ("det_dev.onnx", "rec_dev.onnx")
    )
    assert "must not be used" in " ".join((DEVELOPMENT_PACK / "MODEL.LICENSE").read_text().split())
    assert pack.calibration.at(1e-4).true_match_rate > 0.9


def test_production_refuses_the_development_pack_wherever_it_lies(copied: Path) -> None:
    for folder in (None, copied):
        with pytest.raises(DevelopmentPackInProduction, match="CITYBRAIN_FACES_PACK"):
            load_pack(folder, production=True)


def test_a_missing_pack_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackMissing, match="nowhere"):
        load_pack(tmp_path / "nowhere", production=False)


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), PackInvalid),
        (lambda folder: (folder / "manifest.json").write_text("{"), PackInvalid),
        (lambda folder: (folder / "MODEL.LICENSE").unlink(), PackInvalid),
        (lambda folder: (folder / "rec_dev.onnx").unlink(), PackMissing),
        (lambda folder: flip_a_byte(folder / "rec_dev.onnx"), PackTampered),
        (lambda folder: flip_a_byte(folder / "det_dev.onnx"), PackTampered),
        (lambda folder: edited(folder, lambda m: m["tasks"].pop("detection")), PackInvalid),
        (
            lambda folder: edited(folder, lambda m: m["tasks"]["detection"].pop("sha256")),
            PackInvalid,
        ),
        (lambda folder: edited(folder, lambda m: m.update(manifest_version=1)), PackInvalid),
        (
            lambda folder: edited(
                folder, lambda m: m["tasks"]["detection"].update(file="../rec_dev.onnx")
            ),
            PackInvalid,
        ),
    ],
)
def test_a_damaged_pack_is_refused(
    copied: Path, damage: Callable[[Path], object], error: type[CitybrainError]
) -> None:
    damage(copied)
    with pytest.raises(error):
        load_pack(copied, production=False)


def test_a_gpu_that_is_not_there_is_not_silently_replaced() -> None:
    with pytest.raises(GpuAbsent, match="onnxruntime-gpu"):
        Models(load_pack(None, production=False), "cuda")


def test_model_files_of_an_operator_become_a_pack(tmp_path: Path) -> None:
    licence = tmp_path / "licence.txt"
    licence.write_text("for this test")
    files: dict[str, Any] = {
        "detector": DEVELOPMENT_PACK / "det_dev.onnx",
        "recogniser": DEVELOPMENT_PACK / "rec_dev.onnx",
        "licence": licence,
    }
    folder = tmp_path / "bought"

    import_pack(folder, pack_id="bought-1", display_name="Bought", **files)

    pack = load_pack(folder, production=True)
    assert (pack.pack_id, pack.dimension, pack.development) == ("bought-1", 512, False)
    assert (folder / "MODEL.LICENSE").read_text() == "for this test"
    Models(pack, "cpu")
    assert not (folder / CALIBRATION).exists()
    with pytest.raises(CannotImport):
        import_pack(folder, pack_id="bought-1", display_name="", **files)
    with pytest.raises(CannotImport):
        import_pack(tmp_path / "b", pack_id="citybrain_dev", display_name="", **files)
    with pytest.raises(CannotImport):
        import_pack(
            tmp_path / "c",
            pack_id="c",
            display_name="",
            **files | {"detector": tmp_path / "no.onnx"},
        )
