"""The words of people in a case: sealed under its key, opened for whoever may read them."""

from collections.abc import Mapping, Sequence
from typing import Any

from citybrain.vault import Vault
from commands.services import Services

DESCRIPTION = "case-description"


async def sealed_words(case_id: str, words: str, services: Services) -> str:
    """What a person wrote, sealed under the key of the case, which is made where there is none."""
    await services.vault.create_key(case_id)
    return await services.vault.seal_text(case_id, DESCRIPTION, words)


async def opened_words(vault: Vault, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The words of each row that has `case_id`, `description` and `description_sealed`.

    Nothing is left of those that were erased.
    """
    sealed = [
        (str(row["case_id"]), str(row["description_sealed"]))
        for row in rows
        if row["description_sealed"] is not None
    ]
    opened = iter(await vault.open_many(DESCRIPTION, sealed) if sealed else ())
    return [
        str(row["description"]) if row["description_sealed"] is None else next(opened) or ""
        for row in rows
    ]
