"""Writes the trained networks as a model pack that insightface loads."""

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from citybrain.faces.pack import DEVELOPMENT_ID
from ops.devfaces.networks import CROP_SIDE, DIMENSION, STRIDES, Detector, Recogniser

LICENCE = """\
The models in this folder were trained from scratch on rendered faces of people who do not exist,
by `ops/devfaces` of this repository, and are under the licence of this repository.

They know nothing about real faces. They are for development, tests and demonstrations only and
must not be used to decide anything about a real person. Production mode refuses them.
"""
SMALL = 256  # numbers; smaller tensors stay as they are


def export(detector: Path, recogniser: Path, folder: Path) -> None:
    """Two state dictionaries become `folder`: models, manifest V2 and licence."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    folder.mkdir(parents=True, exist_ok=True)
    embedder = Recogniser()
    embedder.load_state_dict(torch.load(recogniser))
    _write(
        embedder,
        torch.zeros(2, 3, CROP_SIDE, CROP_SIDE),
        folder / "rec_dev.onnx",
        ["embedding"],
        {"input.1": {0: "n"}, "embedding": {0: "n"}},
    )
    finder = Detector()
    finder.load_state_dict(torch.load(detector))
    outputs = [f"{kind}_{stride}" for kind in ("score", "bbox", "kps") for stride in STRIDES]
    _write(
        finder,
        torch.zeros(1, 3, 320, 320),
        folder / "det_dev.onnx",
        outputs,
        {"input.1": {2: "height", 3: "width"}}
        | {name: {0: f"cells_{name.split('_')[1]}"} for name in outputs},
    )
    (folder / "MODEL.LICENSE").write_text(LICENCE)
    (folder / "manifest.json").write_text(json.dumps(_manifest(folder), indent=1) + "\n")


def _manifest(folder: Path) -> dict[str, Any]:
    def task(file: str, deviation: float) -> dict[str, Any]:
        return {
            "file": file,
            "sha256": hashlib.sha256((folder / file).read_bytes()).hexdigest(),
            "preprocessing": {"mean": 127.5, "std": deviation},
        }

    recognition = task("rec_dev.onnx", 127.5)
    recognition |= {"input_size": [CROP_SIDE, CROP_SIDE], "embedding_dimension": DIMENSION}
    return {
        "manifest_version": 2,
        "model_id": DEVELOPMENT_ID,
        "display_name": "citybrain development pack: rendered faces only, unfit for real people",
        "license": "MODEL.LICENSE",
        "tasks": {"detection": task("det_dev.onnx", 128.0), "recognition": recognition},
    }


def _write(
    network: torch.nn.Module,
    example: torch.Tensor,
    path: Path,
    outputs: list[str],
    dynamic: dict[str, dict[int, str]],
) -> None:
    network.eval()
    torch.onnx.export(
        network,
        (example,),
        str(path),
        dynamo=False,
        input_names=["input.1"],
        output_names=outputs,
        dynamic_axes=dynamic,
        opset_version=17,
    )
    _halve(path)


def _halve(path: Path) -> None:
    """Keep weights as 16-bit floats, cast back when the model is loaded: half the file."""
    model = onnx.load(path)
    kept, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size <= SMALL:
            kept.append(tensor)
            continue
        name = f"{tensor.name}.half"
        kept.append(numpy_helper.from_array(values.astype(np.float16), name))
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(model)
    onnx.save(model, path)
