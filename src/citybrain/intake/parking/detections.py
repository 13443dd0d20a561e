"""Signs of places, as `POST /v1/parking/detections` takes them."""

from collections.abc import Sequence

from citybrain.domain.actor import Actor
from citybrain.intake.context import context_of
from citybrain.intake.taking import Intake, Outcome, each_as
from commands.parking.detection import RecordParkingDetection, record_detections
from commands.services import Services


async def take(items: Sequence[object], actor: Actor, services: Services) -> list[Outcome]:
    """Record them: what the device calls each decides whether it is known."""
    return await each_as(
        RecordParkingDetection,
        items,
        services.settings,
        lambda sound: record_detections(sound, context_of(actor), services),
    )


DETECTIONS = Intake("parking-detections", take, device="device_id")
