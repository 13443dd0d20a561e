"""Two small networks in forms that insightface loads: an SCRFD detector and an ArcFace embedder."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
ANCHORS = 2  # per cell, as insightface expects
CROP_SIDE = 112
DIMENSION = 512


def _convolution(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


class Detector(nn.Module):
    """N x 3 x H x W RGB, (x - 127.5) / 128, to nine outputs in SCRFD's order.

    Scores (already sigmoid), boxes (distances to four sides) and landmarks (offsets), each for
    strides 8, 16 and 32; the latter two in units of the stride.
    """

    def __init__(self) -> None:
        super().__init__()
        widths, neck = (12, 24, 36, 52, 80), 36
        self.stem = nn.Sequential(_convolution(3, widths[0], 2), _convolution(*widths[:2], 2))
        self.levels = nn.ModuleList(
            nn.Sequential(_convolution(before, width, 2), *(_Residual(width) for _ in range(depth)))
            for (before, width), depth in zip(pairwise(widths[1:]), (1, 1, 2), strict=True)
        )
        self.lateral = nn.ModuleList(_convolution(width, neck, size=1) for width in widths[2:])
        self.smooth = nn.ModuleList(_convolution(neck, neck) for _ in STRIDES)
        self.shared = _convolution(neck, neck)
        self.heads = nn.ModuleList(nn.Conv2d(neck, ANCHORS * (1 + 4 + 10), 1) for _ in STRIDES)
        for head in self.heads:
            assert isinstance(head, nn.Conv2d)
            assert head.bias is not None
            nn.init.normal_(head.weight, 0, 0.01)
            nn.init.zeros_(head.bias)
            head.bias.data[:ANCHORS] = -4.0  # nearly all cells are empty

    def raw(self, x: Tensor) -> list[Tensor]:
        """By level, N x H x W x 30: two scores (logits), two boxes, two sets of landmarks."""
        x = self.stem(x)
        features = []
        for level, lateral in zip(self.levels, self.lateral, strict=True):
            x = level(x)
            features.append(lateral(x))
        for lower, upper in ((1, 2), (0, 1)):
            features[lower] = features[lower] + functional.interpolate(
                features[upper], scale_factor=2.0, mode="nearest"
            )
        return [
            head(self.shared(smooth(feature))).permute(0, 2, 3, 1)
            for head, smooth, feature in zip(self.heads, self.smooth, features, strict=True)
        ]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        raw = self.raw(x)
        scores = [torch.sigmoid(level[..., :2]).reshape(-1, 1) for level in raw]
        boxes = [level[..., 2:10].reshape(-1, 4) for level in raw]
        landmarks = [level[..., 10:].reshape(-1, 10) for level in raw]
        return (*scores, *boxes, *landmarks)


class Recogniser(nn.Module):
    """N x 3 x 112 x 112 RGB, (x - 127.5) / 127.5, to N x 512 (not normalised)."""

    def __init__(self) -> None:
        super().__init__()
        widths, depths = (16, 32, 64, 128), (0, 1, 2, 1)
        layers: list[nn.Module] = []
        before = 3
        for width, depth in zip(widths, depths, strict=True):
            layers += [_convolution(before, width, 2), *(_Residual(width) for _ in range(depth))]
            before = width
        self.features = nn.Sequential(*layers)
        self.pool = nn.Conv2d(before, before, 7, groups=before, bias=False)
        self.normal = nn.BatchNorm2d(before)
        self.project = nn.Linear(before, DIMENSION, bias=False)
        self.output = nn.BatchNorm1d(DIMENSION)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.normal(self.pool(self.features(x))).flatten(1)
        embedding: Tensor = self.output(self.project(pooled))
        return embedding
