"""Versions of service items that no file holds any more."""

from dataclasses import replace
from datetime import date

import pytest

from citybrain.definitions import Definitions
from citybrain.definitions.applications.catalogue import (
    Catalogue,
    ServiceItem,
    ServiceRetired,
    UnknownService,
)
from citybrain.definitions.kept import Kept
from citybrain.definitions.purposes import Purposes
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
