"""Telling a person something by the phone that is registered for them."""

from uuid import UUID

from commands.services import Services


async def to_phone(
    citizen_id: str, phone_sealed: str | None, text: str, services: Services, message_id: UUID
) -> None:
    """Send a text to a sealed number; who has none is told nothing."""
    if phone_sealed is None:
        return
    phone = await services.vault.open_text(citizen_id, "phone", phone_sealed)
    await services.notifier.send(phone, text, message_id)
