"""Analyses with chosen pose, person and picture, without a model."""

import numpy as np

from citybrain.faces.engine import Analysis, Embedding
from citybrain.faces.quality import Quality

DIMENSION = 512


def embedding(person: int) -> Embedding:
    """The same person, the same vector; two people, nearly orthogonal."""
    raw = np.random.default_rng(person).standard_normal(DIMENSION).astype(np.float32)
    return np.asarray(raw / np.linalg.norm(raw), np.float32)


def analysis(yaw: float = 0.0, person: int = 1, picture: int = 0) -> Analysis:
    """A good picture of a person, turned by `yaw` degrees."""
    return Analysis(
        embedding=embedding(person),
        landmarks=np.zeros((5, 2), np.float32),
        quality=Quality(0.9, 60.0, 12.0, 120.0, yaw),
        difference_hash=int(np.random.default_rng(picture).integers(1 << 62)),
    )
