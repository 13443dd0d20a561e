"""Made-up people and the circumstances of a picture: every number comes from a seed.

Lengths are in half-heights of the head. Places on a face are (u, v): u is the azimuth in units
of `surfaces.AZIMUTH_RANGE`, v the height, -1 at the crown and 1 at the chin.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float32]
"""Blue, green, red; 0 to 255."""

PERSON, SHOT = 0xFACE, 0x5407  # keep the two families of seeds apart

SKINS = np.array([[198, 216, 240], [120, 158, 205], [48, 70, 108]], np.float32)
HAIRS = np.array(
    [[20, 18, 18], [32, 46, 70], [48, 78, 122], [112, 170, 214], [40, 62, 150], [172, 172, 172]],
    np.float32,
)
HAIR_SHARES = (0.36, 0.24, 0.14, 0.10, 0.08, 0.08)
IRISES = np.array(
    [[32, 46, 70], [60, 96, 72], [140, 106, 60], [96, 86, 76], [20, 26, 36]], np.float32
)

SHAPE = {  # of the head and what is on it: drawn in this order, evenly between two numbers
    "head_width": (0.68, 0.86),
    "head_depth": (0.80, 1.0),
    "chin": (0.0, 0.10),
    "temple": (-0.10, 0.10),
    "cheek_width": (-0.06, 0.08),
    "jaw": (-0.26, 0.08),
    "eye_u": (0.20, 0.29),
    "eye_v": (-0.08, 0.06),
    "eye_width": (0.085, 0.135),
    "eye_height": (0.034, 0.072),
    "eye_tilt_degrees": (-9, 9),
    "iris_size": (0.50, 0.72),
    "brow_gap": (0.105, 0.20),
    "brow_width": (0.09, 0.15),
    "brow_thickness": (0.02, 0.075),
    "brow_arch": (-0.02, 0.06),
    "brow_tilt": (-0.025, 0.025),
    "brow_darkness": (0.35, 1.0),
    "nose_v": (0.26, 0.42),
    "nose_width": (0.085, 0.155),
    "nose_height": (0.20, 0.34),
    "nose_depth": (0.16, 0.30),
    "nose_tilt_degrees": (4, 22),
    "nostril": (0.014, 0.030),
    "mouth_v": (0.53, 0.69),
    "mouth_width": (0.135, 0.235),
    "upper_lip": (0.020, 0.060),
    "lower_lip": (0.026, 0.076),
    "cupid_bow": (0.0, 0.6),
    "mouth_slant": (-0.012, 0.012),
    "ear_size": (0.13, 0.24),
    "ear_v": (-0.02, 0.18),
    "hairline": (-0.74, -0.38),
    "hair_peak": (-0.09, 0.11),
    "hair_parting": (-0.45, 0.45),
    "sideburn": (0.60, 0.95),
    "hair_volume": (0.02, 0.24),
    "hair_length": (-0.6, 1.6),
}


@dataclass(frozen=True, slots=True)
class Person:
    """What stays the same from one picture to the next."""

    head_width: float
    head_depth: float
    chin: float
    temple: float
    cheek_width: float
    jaw: float
    eye_u: float
    eye_v: float
    eye_width: float
    eye_height: float
    eye_tilt_degrees: float
    iris_size: float
    brow_gap: float
    brow_width: float
    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    brow_darkness: float
    nose_v: float
    nose_width: float
    nose_height: float
    nose_depth: float
    nose_tilt_degrees: float
    nostril: float
    mouth_v: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    cupid_bow: float
    mouth_slant: float
    ear_size: float
    ear_v: float
    hairline: float
    hair_peak: float
    hair_parting: float
    sideburn: float
    hair_volume: float
    hair_length: float
    bald: bool
    beard: float
    beard_v: float
    moustache: float
    cheek_red: float
    eye_socket: float
    fold: float
    lashes: float
    skin: Colour
    hair: Colour
    iris: Colour
    lip: Colour
    moles: tuple[tuple[float, float, float], ...]
    freckles: float
    freckle_seed: int
    wears_glasses: bool
    glasses_width: float
    glasses_height: float
    glasses_thickness: float
    glasses_colour: Colour

    @classmethod
    def of(cls, seed: int) -> "Person":
        """The person of a seed."""
        random = np.random.default_rng([PERSON, seed])
        between = random.uniform
        tone = between(0, 2)
        skin = SKINS[int(tone)] + (tone % 1) * (SKINS[int(tone) + 1] - SKINS[int(tone)])
        skin = np.clip(skin * between(0.93, 1.07, 3), 20, 250).astype(np.float32)
        hair = HAIRS[random.choice(len(HAIRS), p=HAIR_SHARES)] * between(0.75, 1.25, 3)
        iris = IRISES[random.integers(len(IRISES))] * between(0.8, 1.2, 3)
        lip = skin * np.array([between(0.55, 0.85), between(0.5, 0.78), between(0.86, 1.05)])
        return cls(
            **{name: between(*limits) for name, limits in SHAPE.items()},
            bald=bool(random.random() < 0.08),
            beard=max(0.0, between(-1.1, 0.9)),
            beard_v=between(0.42, 0.62),
            moustache=max(0.0, between(-1.2, 0.9)),
            cheek_red=between(0.0, 0.30),
            eye_socket=between(0.0, 0.32),
            fold=between(0.0, 0.5),
            lashes=between(0.2, 1.0),
            skin=skin,
            hair=np.clip(hair, 5, 245).astype(np.float32),
            iris=np.clip(iris, 5, 230).astype(np.float32),
            lip=np.clip(lip, 10, 250).astype(np.float32),
            moles=tuple(
                (between(-0.5, 0.5), between(-0.35, 0.85), between(0.006, 0.016))
                for _ in range(random.integers(0, 5))
            ),
            freckles=max(0.0, between(-0.8, 0.6)),
            freckle_seed=int(random.integers(1 << 30)),
            wears_glasses=bool(random.random() < 0.22),
            glasses_width=between(0.11, 0.16),
            glasses_height=between(0.06, 0.12),
            glasses_thickness=between(0.016, 0.045),
            glasses_colour=random.uniform(10, 120, 3).astype(np.float32),
        )


@dataclass(frozen=True, slots=True)
class Shot:
    """What differs from one picture to the next. Angles are degrees.

    Yaw is positive when the nose points to the picture's right, pitch when it points up, roll
    when the head leans clockwise. `head_share` is the head's height as a share of the picture's.
    """

    yaw: float
    pitch: float
    roll: float
    smile: float
    mouth_open: float
    eyes_open: float
    brows_up: float
    gaze: float
    ambient: float
    diffuse: float
    light_x: float
    light_y: float
    white_balance: Colour
    gain: float
    gamma: float
    blur: float
    noise: float
    jpeg_quality: int
    shrink: float
    occluded: bool
    glasses: bool
    hat: bool
    hard_shadow: bool
    clothes: Colour
    wrinkles: float
    hair_shift: float
    tan: float
    head_share: float
    seed: int

    @classmethod
    def draw(
        cls, random: np.random.Generator, person: Person, hardness: float = 1.0, **fixed: Any
    ) -> "Shot":
        """Circumstances from mild (0) to hard (1); `fixed` members are taken as given."""
        between, normal = random.uniform, random.normal
        habit = 0.85 if person.wears_glasses else 0.04
        shot = cls(
            yaw=float(np.clip(normal(0, 15 * hardness), -45, 45)),
            pitch=float(np.clip(normal(0, 8 * hardness), -25, 25)),
            roll=float(np.clip(normal(0, 9 * hardness), -35, 35)),
            smile=between(-0.3, 1.0) * hardness,
            mouth_open=max(0.0, between(-0.8, 0.8)) * hardness,
            eyes_open=1.0 - max(0.0, between(-1.6, 0.75)) * hardness,
            brows_up=normal(0, 0.018) * hardness,
            gaze=normal(0, 0.18 * hardness),
            ambient=between(0.55, 0.85),
            diffuse=between(0.15, 0.65),
            light_x=normal(0, 0.6),
            light_y=between(-1.0, 0.3),
            white_balance=(1 + normal(0, 0.05 * hardness, 3)).astype(np.float32),
            gain=float(np.exp(normal(0, 0.16 * hardness))),
            gamma=float(np.exp(normal(0, 0.14 * hardness))),
            blur=max(0.0, between(-1.0, 1.1)) * hardness,
            noise=abs(normal(0, 5.0)) * hardness,
            jpeg_quality=int(between(45, 97)) if random.random() < 0.6 else 0,
            shrink=between(0.45, 1.0) if random.random() < 0.25 * hardness else 1.0,
            occluded=bool(random.random() < 0.10 * hardness),
            glasses=bool(random.random() < habit),
            hat=bool(random.random() < 0.04 * hardness),
            hard_shadow=bool(random.random() < 0.15 * hardness),
            clothes=random.uniform(15, 240, 3).astype(np.float32),
            wrinkles=normal(0, 0.5 * hardness),
            hair_shift=normal(0, 0.03 * hardness),
            tan=float(np.exp(normal(0, 0.05 * hardness))),
            head_share=between(0.45, 0.68),
            seed=int(random.integers(1 << 30)),
        )
        return replace(shot, **fixed)
