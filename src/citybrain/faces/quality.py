"""Whether a picture is good enough to decide on, and what to do where it is not."""

from dataclasses import asdict, dataclass

import numpy as np

from citybrain.errors import InvalidInput
from citybrain.faces.images import Pixels
from citybrain.faces.pose import Landmarks, yaw_degrees


class PoorSample(InvalidInput):
    """A picture that nothing can be decided on; `advice` says what helps."""

    advice = "take another picture"

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message, advice=self.advice, **details)


class NoFace(PoorSample):
    """No face was found."""

    code = "no-face"
    advice = "look at the camera, with your whole face in the picture"


class SeveralFaces(PoorSample):
    """More than one face was found."""

    code = "several-faces"
    advice = "be alone in the picture"


class FaceTooSmall(PoorSample):
    """The eyes are too few pixels apart."""

    code = "face-too-small"
    advice = "come closer"


class FaceBlurred(PoorSample):
    """The face is out of focus or moved."""

    code = "face-blurred"
    advice = "hold still and clean the lens"


class FaceTooDark(PoorSample):
    """Too little light on the face."""

    code = "face-too-dark"
    advice = "find more light"


class FaceTooBright(PoorSample):
    """Too much light on the face."""

    code = "face-too-bright"
    advice = "turn away from the light"


class FaceTurnedAway(PoorSample):
    """The face is not seen from the front."""

    code = "face-turned-away"
    advice = "look straight at the camera"


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured on a face. Brightness is the mean grey value, 0 to 255."""

    detection_score: float
    eye_distance_px: float
    sharpness: float
    brightness: float
    yaw_degrees: float

    def as_json(self) -> dict[str, float]:
        """Rounded, for an event."""
        return {name: round(float(value), 3) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class QualityRules:
    """The limits of a gate; an enrolment asks for more than a verification."""

    eye_distance_px: float = 24.0
    sharpness: float = 4.0
    darkest: float = 35.0
    brightest: float = 225.0
    yaw_degrees: float = 45.0


VERIFICATION = QualityRules()
ENROLMENT = QualityRules(
    eye_distance_px=32.0, sharpness=7.0, darkest=45.0, brightest=215.0, yaw_degrees=15.0
)


def measure(crop: Pixels, landmarks: Landmarks, detection_score: float) -> Quality:
    """The quality of an aligned 112 x 112 crop; `landmarks` in pixels of the whole picture.

    Sharpness is the standard deviation of the Laplacian over the middle of the crop.
    """
    import cv2

    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)[16:96, 16:96]
    return Quality(
        detection_score=detection_score,
        eye_distance_px=float(np.linalg.norm(landmarks[1] - landmarks[0])),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_32F).std()),
        brightness=float(grey.mean()),
        yaw_degrees=yaw_degrees(landmarks),
    )


def check(quality: Quality, rules: QualityRules) -> None:
    """Raise the `PoorSample` that names the first limit which is not kept."""
    if quality.eye_distance_px < rules.eye_distance_px:
        raise FaceTooSmall("the face is too small in the picture")
    if quality.brightness < rules.darkest:
        raise FaceTooDark("the face is too dark")
    if quality.brightness > rules.brightest:
        raise FaceTooBright("the face is too bright")
    if quality.sharpness < rules.sharpness:
        raise FaceBlurred("the face is blurred")
    if abs(quality.yaw_degrees) > rules.yaw_degrees:
        raise FaceTurnedAway("the face is turned away")
