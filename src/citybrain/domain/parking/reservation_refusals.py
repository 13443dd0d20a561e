"""Why a step of a reservation is refused."""

from citybrain.errors import Forbidden, InvalidInput, Refused


class SpanInvalid(InvalidInput):
    """Nobody reserves such a span; `rule` says which limit it is beyond, `limit` that limit."""

    code = "reservation-span-invalid"


class PlateNotWhole(InvalidInput):
    """Without its province it may be anybody's vehicle."""

    code = "reservation-plate-incomplete"


class HoldRanOut(Refused):
    """The berth is not held for this citizen any more."""

    code = "reservation-hold-ran-out"


class ReservationOutOfStep(Refused):
    """This has been done, is not next, or comes too late."""

    code = "reservation-out-of-step"


class SameBerth(Refused):
    """A reservation is moved to another berth."""

    code = "reservation-same-berth"


class NotYourReservation(Forbidden):
    """It is somebody else's reservation."""

    code = "reservation-not-yours"
