"""The made-up people of `people.yaml`: who they are, and what their tokens say."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from citybrain.definitions.yaml_file import read_yaml
from citybrain.domain.actor import Role
from citybrain.http.tokens import PLACE

FILE = Path(__file__).with_name("people.yaml")

Place = Annotated[str, StringConstraints(pattern=rf"^{PLACE.pattern}$")]


class Said(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    zh: str
    en: str

    def in_(self, language: str) -> str:
        """The text in one of `problem_texts`' languages."""
        return self.zh if language == "zh" else self.en


class Person(BaseModel):
    """Somebody whom one may be; `registered` is what a citizen is registered with."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    key: Place
    role: Role
    name: Said
    about: Said
    department: Place | None = None
    counter: Place | None = None
    registered: dict[str, Any] | None = None

    @property
    def claims(self) -> dict[str, Any]:
        """What a token says of them beside the subject."""
        reach = {"department": self.department, "counter": self.counter}
        return {"roles": [self.role.value]} | {name: at for name, at in reach.items() if at}


class People(BaseModel):
    """All of them."""

    model_config = ConfigDict(extra="forbid")
    people: list[Person]


@cache
def people() -> dict[str, Person]:
    """By key."""
    found = read_yaml(FILE, People)[0].people
    return {person.key: person for person in found}
