"""How sure a similarity makes us: thresholds measured for one model pack.

`calibration.json` in the pack's folder holds, for each false-match rate that the pairs support,
the cosine similarity above which two faces count as one person's, and how many false matches
were counted (ISO/IEC 19795-1: FMR; the upper bound is Clopper-Pearson, one-sided 95 %).
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from citybrain.errors import CitybrainError

CALIBRATION = "calibration.json"
SEARCH_FALSE_MATCHES = 0.01  # expected strangers a search may bring up


class CalibrationMissing(CitybrainError):
    """The pack has no calibration, so no decision can be taken with it."""

    code = "calibration-missing"


class CalibrationOfAnotherPack(CitybrainError):
    """The calibration was made with other model files."""

    code = "calibration-of-another-pack"


class RateNotCalibrated(CitybrainError):
    """The calibration's pairs do not support this false-match rate."""

    code = "rate-not-calibrated"


class OperatingPoint(BaseModel):
    """A threshold on cosine similarity and what was counted at it."""

    model_config = ConfigDict(frozen=True)
    false_match_rate: float = Field(gt=0, lt=1)
    threshold: float = Field(ge=-1, le=1)
    false_matches: int = Field(ge=0)
    true_match_rate: float = Field(ge=0, le=1)
    upper_95: float = Field(ge=0, le=1, description="upper bound of the false-match rate")


class Calibration(BaseModel):
    """What was measured for a pack, on which pairs."""

    model_config = ConfigDict(frozen=True)
    pack_id: str
    detection_sha256: str
    recognition_sha256: str
    made_from: str
    genuine_pairs: int = Field(ge=1)
    impostor_pairs: int = Field(ge=1)
    points: tuple[OperatingPoint, ...] = Field(min_length=1)

    def at(self, false_match_rate: float) -> OperatingPoint:
        """The point of a target rate; raises `RateNotCalibrated` where it was not measured."""
        for point in self.points:
            if abs(point.false_match_rate - false_match_rate) <= 1e-3 * false_match_rate:
                return point
        known = ", ".join(f"{point.false_match_rate:g}" for point in self.points)
        raise RateNotCalibrated(
            f"no threshold was measured for a false-match rate of {false_match_rate:g} "
            f"({self.impostor_pairs} impostor pairs); there are {known}"
        )

    def for_search(self, enrolled: int) -> OperatingPoint:
        """The mildest point at which a search of so many is unlikely to find a stranger.

        A search makes as many comparisons as people are enrolled; where the pairs support no
        point strict enough, the strictest there is.
        """
        strict = [
            point
            for point in self.points
            if point.false_match_rate * enrolled <= SEARCH_FALSE_MATCHES
        ]
        if strict:
            return max(strict, key=lambda point: point.false_match_rate)
        return min(self.points, key=lambda point: point.false_match_rate)


def load_calibration(folder: Path, digests: dict[str, str]) -> Calibration:
    """The calibration in a pack's folder; `digests` are the SHA-256 of its models by task."""
    try:
        calibration = Calibration.model_validate_json((folder / CALIBRATION).read_bytes())
    except FileNotFoundError as error:
        raise CalibrationMissing(
            f"{folder} has no {CALIBRATION}: make one with `citybrain faces pack calibrate`"
        ) from error
    except ValidationError as error:
        raise CalibrationMissing(f"{folder / CALIBRATION} is not a calibration") from error
    measured = {
        "detection": calibration.detection_sha256,
        "recognition": calibration.recognition_sha256,
    }
    if measured != digests:
        raise CalibrationOfAnotherPack(
            f"{folder / CALIBRATION} was measured with other model files; calibrate again with "
            "`citybrain faces pack calibrate`"
        )
    return calibration
