"""Wraps an operator's model files as a manifest-V2 pack, with digests and their licence."""

import hashlib
import json
import re
import shutil
from pathlib import Path

from citybrain.errors import InvalidInput
from citybrain.faces.pack import DEVELOPMENT_ID

PACK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
STANDARD_DEVIATION = {"detection": 128.0, "recognition": 127.5}


class CannotImport(InvalidInput):
    """The files do not make a pack."""

    code = "cannot-import-pack"


def import_pack(
    folder: Path,
    *,
    pack_id: str,
    display_name: str,
    detector: Path,
    recogniser: Path,
    licence: Path,
    dimension: int = 512,
) -> None:
    """Make `folder`, which must not exist: copies of the files and the manifest that names them.

    The models are taken as insightface's own: SCRFD detector, ArcFace recogniser at 112 x 112.
    """
    if not PACK_ID.fullmatch(pack_id) or pack_id.startswith(DEVELOPMENT_ID):
        raise CannotImport(f"{pack_id!r} cannot be the id of a pack")
    if folder.exists():
        raise CannotImport(f"{folder} exists already")
    files = {"detection": detector, "recognition": recogniser}
    for path in (*files.values(), licence):
        if not path.is_file():
            raise CannotImport(f"there is no file {path}")
    folder.mkdir(parents=True)
    tasks: dict[str, dict[str, object]] = {}
    for task, path in files.items():
        shutil.copyfile(path, folder / f"{task}.onnx")
        tasks[task] = {
            "file": f"{task}.onnx",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "preprocessing": {"mean": 127.5, "std": STANDARD_DEVIATION[task]},
        }
    tasks["recognition"] |= {"input_size": [112, 112], "embedding_dimension": dimension}
    shutil.copyfile(licence, folder / "MODEL.LICENSE")
    manifest = {
        "manifest_version": 2,
        "model_id": pack_id,
        "display_name": display_name,
        "license": "MODEL.LICENSE",
        "tasks": tasks,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
