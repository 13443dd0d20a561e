"""Detections of cameras, as `POST /v1/detections` takes them."""

from collections.abc import Sequence

from citybrain.domain.actor import Actor
from citybrain.intake.context import context_of
from citybrain.intake.taking import Intake, Outcome, each_as
from commands.inspection.detection import RecordDetection, record_detections
from commands.services import Services


async def take(items: Sequence[object], actor: Actor, services: Services) -> list[Outcome]:
    """Record them: what the camera calls each decides whether it is known."""
    return await each_as(
        RecordDetection,
        items,
        services.settings,
        lambda sound: record_detections(sound, context_of(actor), services),
    )


DETECTIONS = Intake("detections", take, device="camera_id")
