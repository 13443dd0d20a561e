"""Versions of service items that no file holds any more."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from citybrain.definitions import Definitions
from citybrain.definitions.applications.catalogue import (
    Catalogue,
    ServiceItem,
    ServiceRetired,
    UnknownService,
    load_catalogue,
)
from citybrain.definitions.kept import Kept
from citybrain.definitions.loading import PACKAGE_FOLDER
from citybrain.definitions.purposes import Purposes
from citybrain.definitions.yaml_file import DefinitionError
from tests.given.catalogue import CATALOGUE, CODES, TODAY

CODE = CODES[0]
ITEM = CATALOGUE.item(CODE, TODAY)
(KEPT,) = Catalogue([ITEM]).kept()


def left(items: list[ServiceItem], *gone: Kept) -> Definitions:
    return Catalogue(items).with_gone(gone, Definitions())


def same(one: ServiceItem, other: ServiceItem) -> bool:
    """Whether they say the same, whatever was compiled of them."""
    return one.model_dump() == other.model_dump()


def test_every_item_is_read_again_as_it_was_kept() -> None:
    gone = left([], *CATALOGUE.kept()).of(Catalogue)
    for item in CATALOGUE.all_versions():
        assert same(gone.began_under(item.code, item.version, TODAY), item)
    assert (gone.all_versions(), gone.called(CODE)) == ([], CATALOGUE.called(CODE))


def test_who_began_goes_on_and_nobody_begins() -> None:
    definitions = left([], KEPT)
    found = definitions.of(Catalogue)
    assert same(found.began_under(CODE, ITEM.version, date.min), ITEM)
    assert definitions.of(Purposes).has(CODE, TODAY)
    with pytest.raises(ServiceRetired):
        found.offered(CODE, TODAY)
    with pytest.raises(UnknownService):
        found.offered("nothing", TODAY)


def test_a_file_that_was_edited_in_place_holds_for_who_comes_after() -> None:
    edited = ITEM.model_copy(update={"source": "another decree"})
    found = left([edited], KEPT).of(Catalogue)
    assert same(found.began_under(CODE, ITEM.version, TODAY), ITEM)
    assert same(found.began_under(CODE, edited.version, TODAY), edited)
    assert same(found.offered(CODE, TODAY), edited)


def test_what_this_release_cannot_read_stops_nothing() -> None:
    found = left([ITEM], replace(KEPT, code="older", content='{"code": "older"}')).of(Catalogue)
    assert same(found.item(CODE, TODAY), ITEM)


def test_a_retired_service_leads_to_what_replaced_it_last() -> None:
    old, second, third = CODES[0], CODES[1], CODES[2]
    items = {code: CATALOGUE.item(code, TODAY) for code in (old, second, third)}
    items[second] = items[second].model_copy(update={"replaces": (old, "long-gone")})
    items[third] = items[third].model_copy(update={"replaces": (second,)})
    assert items[third].version == CATALOGUE.item(third, TODAY).version
    for files in (list(items.values()), [items[second], items[third]]):
        found = left(files, KEPT).of(Catalogue)
        with pytest.raises(ServiceRetired) as refused:
            found.offered(old, TODAY)
        assert refused.value.details == {"service": old, "replaced_by": third}
        assert [item.code for item in found.on(TODAY)] == [third]
        assert same(found.began_under(old, ITEM.version, TODAY), ITEM)
        assert found.successor(old, date.min) is None


@pytest.mark.parametrize("replaces", ["other", CODE])
def test_nothing_is_replaced_by_itself(replaces: str, tmp_path: Path) -> None:
    text = (PACKAGE_FOLDER / "service" / f"{CODE}.yaml").read_text()
    paths = []
    for code, old in ((CODE, replaces), ("other", CODE)):
        said = text.replace(f"code: {CODE}\n", f"code: {code}\nreplaces: [{old}]\n", 1)
        paths.append(tmp_path / f"{code}.yaml")
        paths[-1].write_text(said)
    with pytest.raises(DefinitionError, match="would be replaced by itself"):
        load_catalogue(paths)
