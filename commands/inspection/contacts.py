"""How the people of a case can be reached: whoever reported it, and whoever wants to be told."""

from typing import Any

import orjson

from citybrain.domain.citizens import Citizen
from citybrain.eventstore import StreamNotFound
from citybrain.vault import PersonErased
from commands.services import Services

CONTACT = "open311-contact"


async def contacts_of(case_id: str, reporter: str, services: Services) -> list[dict[str, Any]]:
    """What is kept of how to reach its reporter: what they gave, or a citizen's telephone."""
    given = [orjson.loads(each) for each in await services.vault.kept(case_id, CONTACT)]
    phone = await phone_of(reporter, services)
    return given if phone is None else [*given, {"phone": phone}]


async def phones_of_reporter(case_id: str, reporter: str, services: Services) -> list[str]:
    """The telephones by which a reporter can be told something, each once."""
    contacts = await contacts_of(case_id, reporter, services)
    return list(dict.fromkeys(each["phone"] for each in contacts if each.get("phone")))


async def mails_of_reporter(case_id: str, reporter: str, services: Services) -> list[str]:
    """The addresses of mail by which a reporter can be told something, each once."""
    contacts = await contacts_of(case_id, reporter, services)
    return list(dict.fromkeys(each["email"] for each in contacts if each.get("email")))


async def phone_of(subject: str, services: Services) -> str | None:
    """A citizen's telephone; None where there is none, or of anybody else."""
    if not subject.startswith(f"{Citizen.category}-"):
        return None
    try:
        citizen = await services.store.load(Citizen, subject)
        if citizen.phone_sealed is None:
            return None
        return await services.vault.open_text(citizen.id, "phone", citizen.phone_sealed)
    except (StreamNotFound, PersonErased):
        return None
