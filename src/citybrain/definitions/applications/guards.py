"""What stands before an expression: each thing that it reads must be there and be of its type.

So a rule is never decided by a blank. A guard is made once for an expression and tried with every
decision; it says what is wrong, by material and member, and never repeats a value.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from citybrain.definitions.applications.types import Fits, Member, is_something
from citybrain.definitions.expressions import Path

if TYPE_CHECKING:
    from citybrain.definitions.applications.catalogue import Material, ServiceItem

Guard = Callable[[Mapping[str, Any]], str | None]
"""What is wrong with one thing that is read, among all the values; None where nothing is."""


def guard_of(item: "ServiceItem", path: Path) -> Guard:
    """The guard of what an expression of this item reads at `path`."""
    name, *members = path
    if name == "today":
        return _nothing_wrong
    if name == "parameters":
        return _in_force(".".join(path), members)
    if name == "form":
        fields = [field for field in item.form if not members or field.name == members[0]]
        if members and not fields:
            return lambda _: f"form.{members[0]} is not asked"
        return _all_of(_member("form", field.name, *field.check()) for field in fields)
    for material in item.materials:
        if material.name == name:
            return _of_material(material, members)
    if any(value.name == name for value in item.values):
        return lambda values: None if name in values else f"{name} is not known"
    return _nothing_wrong  # a variable of a macro, or a name that the expression fails on


def _nothing_wrong(_: Mapping[str, Any]) -> str | None:
    return None


def _in_force(path: str, members: list[str]) -> Guard:
    def wrong(values: Mapping[str, Any]) -> str | None:
        there = not members or members[0] in values["parameters"]
        return None if there else f"{path} is not in force"

    return wrong


def _of_material(material: "Material", members: list[str]) -> Guard:
    """A member by its type; a whole record by all the types that are declared of it."""
    if members:
        declared = material.members.get(members[0])
        fits, wanted = _of_member(declared)
        return _member(material.name, members[0], fits, wanted)
    return _all_of(
        [_delivered(material.name)]
        + [
            _member(material.name, name, *_of_member(member))
            for name, member in material.members.items()
        ]
        + [_nothing_blank(material.name)]
    )


def _of_member(member: Member | None) -> tuple[Fits, str]:
    if member is None:
        return (lambda value, _: is_something(value)), "a value"
    return member.fits(), member.wanted


def _delivered(name: str) -> Guard:
    return lambda values: None if name in values else f"{name} not delivered"


def _member(name: str, member: str, fits: Fits, wanted: str) -> Guard:
    def wrong(values: Mapping[str, Any]) -> str | None:
        record = values.get(name)
        if record is None:
            return f"{name} not delivered"
        if not isinstance(record, dict) or member not in record:
            return f"{name}.{member} is not there"
        value = record[member]
        if fits(value, values["today"]):
            return None
        what = f"not {wanted}" if is_something(value) else "blank"
        return f"{name}.{member} is {what}"

    return wrong


def _nothing_blank(name: str) -> Guard:
    def wrong(values: Mapping[str, Any]) -> str | None:
        said = all(map(is_something, _scalars(values[name])))
        return None if said else f"{name} has a blank member"

    return wrong


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _scalars(each)
    else:
        yield value


def _all_of(guards: Iterable[Guard]) -> Guard:
    every = tuple(guards)

    def wrong(values: Mapping[str, Any]) -> str | None:
        return next((found for guard in every if (found := guard(values))), None)

    return wrong
