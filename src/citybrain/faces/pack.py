"""A model pack: a folder in insightface's manifest V2, with digests, licence and calibration.

Everything is checked before a model is loaded, and nothing is ever downloaded: insightface
would fetch a pack that it does not find, so a folder that is missing stops here.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citybrain.errors import CitybrainError
from citybrain.faces.calibration import Calibration, load_calibration

DEVELOPMENT_PACK = Path(__file__).parent / "packs" / "development"
DEVELOPMENT_ID = "citybrain_dev"
TASKS = ("detection", "recognition")


class PackMissing(CitybrainError):
    """There is no model pack in this folder."""

    code = "face-pack-missing"


class PackInvalid(CitybrainError):
    """The folder is not a manifest-V2 pack with a detector and a recogniser."""

    code = "face-pack-invalid"


class PackTampered(CitybrainError):
    """A model file is not the one that the manifest names."""

    code = "face-pack-tampered"


class DevelopmentPackInProduction(CitybrainError):
    """The development pack knows rendered faces only and must not decide about people."""

    code = "development-face-pack"


@dataclass(frozen=True, slots=True)
class Pack:
    """A checked pack. `digests` are the SHA-256 of its model files by task."""

    folder: Path
    pack_id: str
    display_name: str
    digests: dict[str, str]
    dimension: int

    @property
    def calibration(self) -> Calibration:
        """What was measured for these models; raises `CalibrationMissing` or another error."""
        return load_calibration(self.folder, self.digests)

    @property
    def development(self) -> bool:
        """Whether this is our own pack of rendered faces."""
        return self.pack_id.startswith(DEVELOPMENT_ID)

    @property
    def template_version(self) -> str:
        """Which embeddings can be compared: those of one recogniser and one detector."""
        both = "".join(self.digests[task] for task in TASKS)
        return hashlib.sha256(both.encode()).hexdigest()[:16]


def load_pack(folder: Path | None, *, production: bool) -> Pack:
    """Check the pack in `folder`, or the development pack where it is None.

    Raises one of the errors above.
    """
    pack = _checked(folder or DEVELOPMENT_PACK)
    if production and pack.development:
        raise DevelopmentPackInProduction(
            "the development pack knows rendered faces only; name a licensed pack in "
            "CITYBRAIN_FACES_PACK"
        )
    return pack


def _checked(folder: Path) -> Pack:
    from insightface.model_zoo.package_manifest import load_model_package

    if not folder.is_dir():
        raise PackMissing(f"there is no model pack at {folder}")
    if not (folder / "manifest.json").is_file():
        raise PackInvalid(
            f"{folder} has no manifest.json; wrap model files with `citybrain faces pack import`"
        )
    try:
        manifest = load_model_package(folder)
        tasks = {task: manifest.task(task) for task in TASKS}
    except (ValueError, TypeError) as error:
        raise PackInvalid(f"the manifest of {folder} is not valid: {error}") from error
    if manifest.license_path is None or not manifest.license_path.is_file():
        raise PackInvalid(f"{folder} lacks the licence that its manifest names")
    digests = {task: _verified(task, descriptor) for task, descriptor in tasks.items()}
    return Pack(
        folder=folder,
        pack_id=manifest.model_id,
        display_name=manifest.display_name or manifest.model_id,
        digests=digests,
        dimension=int(tasks["recognition"].metadata["embedding_dimension"]),
    )


def _verified(task: str, descriptor: Any) -> str:
    """The SHA-256 of a model file, which must be the one in the manifest."""
    path: Path = descriptor.path
    if descriptor.sha256 is None:
        raise PackInvalid(f"the manifest names no sha256 for its {task} model")
    if not path.is_file():
        raise PackMissing(f"the {task} model {path} is missing")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != descriptor.sha256:
        raise PackTampered(
            f"{path} has the SHA-256 {digest}, the manifest says {descriptor.sha256}"
        )
    return digest
