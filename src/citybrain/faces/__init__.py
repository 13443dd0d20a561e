"""Faces: a model pack, an engine that batches, quality, liveness and calibrated decisions."""

from citybrain.faces.calibration import Calibration, OperatingPoint
from citybrain.faces.engine import Analysis, FaceEngine, open_engine
from citybrain.faces.pack import Pack, load_pack

__all__ = [
    "Analysis",
    "Calibration",
    "FaceEngine",
    "OperatingPoint",
    "Pack",
    "load_pack",
    "open_engine",
]
