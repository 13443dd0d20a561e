"""Trains the two networks on the CPU. Schedules count iterations and seeds are fixed."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ops.devfaces.networks import CROP_SIDE, DIMENSION, STRIDES, Detector, Recogniser
from ops.devfaces.pictures import Scenes

REPORT_EVERY = 100
ANCHOR_SIDES = torch.tensor([[16.0, 32.0], [64.0, 128.0], [256.0, 512.0]])  # by stride
INPUT_SIDES, INPUT_SHARES = (192, 256, 320, 448), (0.2, 0.5, 0.2, 0.1)


def _optimise(
    parameters: Iterable[Tensor], iterations: int, rate: float, loss_of: Callable[[], list[Tensor]]
) -> None:
    """AdamW with a short warm-up and a cosine; reports the means of the parts of the loss."""
    optimiser = torch.optim.AdamW(parameters, rate, weight_decay=1e-3, betas=(0.9, 0.99))
    recent: list[list[float]] = []
    for number in range(iterations):
        share = number / iterations
        warm = min(1.0, (number + 1) / 100)
        for group in optimiser.param_groups:
            group["lr"] = rate * warm * (0.5 + 0.5 * math.cos(math.pi * share) + 0.002)
        parts = loss_of()
        optimiser.zero_grad()
        torch.stack(parts).sum().backward()
        torch.nn.utils.clip_grad_norm_([p for g in optimiser.param_groups for p in g["params"]], 5)
        optimiser.step()
        recent.append([float(part.detach()) for part in parts])
        if (number + 1) % REPORT_EVERY == 0:
            means = " ".join(f"{mean:.4f}" for mean in np.mean(recent[-REPORT_EVERY:], axis=0))
            print(f"{number + 1}/{iterations} loss {means}", flush=True)


# --- detector -----------------------------------------------------------------------------


def train_detector(scenes: Scenes, out: Path, iterations: int, batch: int = 24) -> None:
    """Focal loss on scores, smooth L1 on boxes and landmarks at the cells that own a face."""
    torch.manual_seed(1)
    random = np.random.default_rng(1)
    network = Detector().to(memory_format=torch.channels_last)

    def loss_of() -> list[Tensor]:
        rows = random.integers(len(scenes.images), size=batch)
        side = int(random.choice(INPUT_SIDES, p=INPUT_SHARES))
        images = _as_input(scenes.images[rows], 128.0)
        faces = torch.from_numpy(scenes.faces[rows]) * (side / images.shape[-1])
        there = torch.arange(faces.shape[1]) < torch.from_numpy(scenes.counts[rows])[:, None]
        if side != images.shape[-1]:
            images = functional.interpolate(
                images, (side, side), mode="bilinear", antialias=True, align_corners=False
            )
        raw = network.raw(images.contiguous(memory_format=torch.channels_last))
        return _detector_loss(raw, faces, there)

    _optimise(network.parameters(), iterations, 2.5e-3, loss_of)
    torch.save(network.state_dict(), out)


def _detector_loss(raw: list[Tensor], faces: Tensor, there: Tensor) -> list[Tensor]:
    boxes = faces[..., :4]
    sides = ((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])).clamp(1).sqrt()
    misfit = (sides[..., None, None] / ANCHOR_SIDES).log2().abs()  # batch, face, level, anchor
    best = misfit.amin((2, 3))
    score, box, marks, owners = (torch.zeros(()) for _ in range(4))
    for level, output in enumerate(raw):
        stride = STRIDES[level]
        owner, ignored = _owners(output, boxes, sides, there, misfit[:, :, level], best, stride)
        owned = owner >= 0
        logits = output[..., :2]
        target = owned.float()
        probability = torch.sigmoid(logits)
        focus = torch.where(owned, (1 - probability) ** 2, probability**2) / 2
        entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        score = score + (entropy * focus * (owned | ~ignored)).sum()
        image, row, column, anchor = owned.nonzero(as_tuple=True)
        owners = owners + len(image)
        face = faces[image, owner[owned]]
        side = sides[image, owner[owned]][:, None]
        centre = torch.stack([column, row], 1) * stride
        cell = output[image, row, column]
        four = cell.gather(1, 2 + anchor[:, None] * 4 + torch.arange(4)) * stride
        ten = cell.gather(1, 10 + anchor[:, None] * 10 + torch.arange(10)) * stride
        distances = torch.cat([centre - face[:, :2], face[:, 2:4] - centre], 1)
        offsets = face[:, 4:] - centre.repeat(1, 5)
        box = box + functional.smooth_l1_loss(
            four / side, distances / side, reduction="sum", beta=0.05
        )
        marks = marks + functional.smooth_l1_loss(
            ten / side, offsets / side, reduction="sum", beta=0.03
        )
    owners = owners.clamp(1)
    return [score / owners, box / owners / 2, marks / owners * 2.4]


def _owners(
    output: Tensor,
    boxes: Tensor,
    sides: Tensor,
    there: Tensor,
    misfit: Tensor,
    best: Tensor,
    stride: int,
) -> tuple[Tensor, Tensor]:
    """For each cell and anchor the face it answers for (or -1), and a thin ring not to judge."""
    height, width = output.shape[1:3]
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    far_x = (torch.arange(width) * stride - centres[..., :1]).abs()[:, :, None, :]
    far_y = (torch.arange(height) * stride - centres[..., 1:]).abs()[:, :, :, None]
    far = torch.maximum(far_x, far_y)  # batch, face, row, column
    radius = (0.28 * sides).clamp(max=1.5 * stride).clamp(min=0.75 * stride)[:, :, None, None]
    near, ring = far <= radius, far <= radius + 1.01 * stride
    fits = misfit <= best[..., None].clamp(min=0.62) + 1e-6  # batch, face, anchor
    almost = misfit <= 1.3
    here = there[:, :, None, None, None]
    owns = (near[..., None] & fits[:, :, None, None] & here).permute(0, 2, 3, 4, 1)
    ignored = (ring[..., None] & almost[:, :, None, None] & here).any(1)
    number = torch.arange(1, boxes.shape[1] + 1)
    return (owns * number).amax(-1) - 1, ignored


# --- recogniser ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Batches:
    """Draws people and pictures of them: `people` x `shots` a batch."""

    crops: NDArray[np.uint8]
    people_known: int
    people: int
    shots: int

    def draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Pictures, disturbed, and whose they are."""
        each = len(self.crops) // self.people_known
        people = random.choice(self.people_known, self.people, replace=False)
        rows = [
            person * each + shot
            for person in people
            for shot in random.choice(each, self.shots, replace=False)
        ]
        moved = np.stack([_misaligned(self.crops[row], random) for row in rows])
        images = _as_input(moved, 127.5)
        contrast = 1 + 0.12 * torch.from_numpy(random.standard_normal((len(rows), 1, 1, 1)))
        bright = 0.06 * torch.from_numpy(random.standard_normal((len(rows), 1, 1, 1)))
        images = (images * contrast.float() + bright.float()).clamp(-1, 1)
        for row in random.integers(len(rows), size=len(rows) // 8):  # something covers a part
            left, top = random.integers(0, 100, 2)
            wide, high = random.integers(8, 32, 2)
            images[row, :, top : top + high, left : left + wide] = float(random.uniform(-1, 1))
        return images, torch.from_numpy(np.repeat(people, self.shots))


def _misaligned(crop: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """As a detector that is a little wrong would have aligned it."""
    move = cv2.getRotationMatrix2D(
        (CROP_SIDE / 2, CROP_SIDE / 2), random.normal(0, 2.5), 1 + random.normal(0, 0.04)
    )
    moved = move + np.array([[0, 0, x] for x in random.normal(0, 2.0, 2)])
    side = (CROP_SIDE, CROP_SIDE)
    return cv2.warpAffine(crop, moved, side, borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)


def train_recogniser(
    crops: NDArray[np.uint8], people: int, out: Path, contrast: int, classify: int
) -> None:
    """Supervised contrast first; then with CosFace, whose classes start at the people's means.

    CosFace from scratch does not start: with thousands of classes and a margin no gradient
    points anywhere before the embedding means something.
    """
    torch.manual_seed(2)
    random = np.random.default_rng(2)
    network = Recogniser().to(memory_format=torch.channels_last)
    batches = Batches(crops, people, 56, 3)

    def embed(images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            embedding: Tensor = network(images.contiguous(memory_format=torch.channels_last))
        return functional.normalize(embedding.float())

    def contrast_only() -> list[Tensor]:
        images, labels = batches.draw(random)
        return [_contrast(embed(images), labels)]

    _optimise(network.parameters(), contrast, 2e-3, contrast_only)
    centres = nn.Parameter(_means(crops, people, network, embed))

    def with_classes() -> list[Tensor]:
        images, labels = batches.draw(random)
        found = embed(images)
        return [_contrast(found, labels), 0.5 * _cosface(found, labels, centres)]

    _optimise([*network.parameters(), centres], classify, 1.5e-3, with_classes)
    torch.save(network.state_dict(), out)


def _contrast(found: Tensor, labels: Tensor, temperature: float = 0.07) -> Tensor:
    """Supervised contrastive loss (Khosla et al. 2020, the mean outside the logarithm)."""
    itself = torch.eye(len(found), dtype=torch.bool)
    same = (labels[:, None] == labels) & ~itself
    logits = (found @ found.T / temperature).masked_fill(itself, -1e4)
    likely = logits - torch.logsumexp(logits, 1, keepdim=True)
    return -(likely * same).sum(1).div(same.sum(1)).mean()


def _cosface(
    found: Tensor, labels: Tensor, centres: Tensor, scale: float = 32.0, margin: float = 0.3
) -> Tensor:
    """Large-margin cosine loss (Wang et al. 2018)."""
    cosines = found @ functional.normalize(centres).T
    return functional.cross_entropy(
        scale * (cosines - margin * functional.one_hot(labels, len(centres))), labels
    )


@torch.no_grad()
def _means(
    crops: NDArray[np.uint8], people: int, network: nn.Module, embed: Callable[[Tensor], Tensor]
) -> Tensor:
    each = len(crops) // people
    network.eval()
    means = torch.empty(people, DIMENSION)
    for person in range(people):
        images = _as_input(crops[person * each : (person + 1) * each], 127.5)
        means[person] = embed(images).mean(0)
    network.train()
    return functional.normalize(means)


def _as_input(images: NDArray[np.uint8], deviation: float) -> Tensor:
    rgb = torch.from_numpy(np.ascontiguousarray(images[..., ::-1])).permute(0, 3, 1, 2)
    return (rgb.float() - 127.5) / deviation
