"""UUIDs of places: those of their own streams, so that they follow from the code and lead back."""

from uuid import UUID

from citybrain.domain.parking.place import ParkingPlace, stream_of


def uuid_of(place_id: str) -> str:
    """What CDS calls a place."""
    return str(UUID(hex=stream_of(place_id)[-32:]))


def stream_named(identity: UUID) -> str:
    """The stream of what CDS calls so."""
    return f"{ParkingPlace.category}-{identity.hex}"
