"""Deleting photos: recorded first, then the picture goes."""

from typing import Any

from citybrain.domain.photo_deletion import PhotoDeletion, Reason
from citybrain.photos.store import PhotoDamaged
from commands.handling import Command, CommandContext, CommandResult, create
from commands.services import Services


class DeletePhoto(Command):
    """Have a photo erased."""

    reason: Reason


async def delete_photo(
    sha256: str, command: DeletePhoto, context: CommandContext, services: Services
) -> CommandResult:
    """Record the deletion, then erase the photo; raises `PhotoNotFound` where there is none.

    Who was cut off in between asks again: the photo goes, and a second deletion is on the record.
    """
    photos = services.photos
    assert photos is not None  # a serving process has them

    def decide() -> PhotoDeletion:
        return PhotoDeletion.delete(
            context.actor, services.clock(), sha256=sha256, reason=command.reason
        )

    async def there() -> None:
        try:
            await photos.get(sha256)
        except PhotoDamaged:
            return  # it goes as well

    result = await create(command, context, services, decide, _answer, there)
    await photos.store.delete(sha256)
    return result


def _answer(deletion: PhotoDeletion) -> dict[str, Any]:
    return {
        "deletion_id": deletion.id,
        "sha256": deletion.sha256,
        "reason": deletion.reason,
        "version": deletion.version,
    }
