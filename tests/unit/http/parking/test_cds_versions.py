"""P62: what a client accepts decides in which version it is answered."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.http.parking.cds.errors import NotAcceptable
from citybrain.http.parking.cds.versions import Media, Version, negotiated

JSON, CSV = Media.JSON.value, Media.CSV.value


@pytest.mark.parametrize(
    ("accepts", "version"),
    [
        ([], "1.0"),
        ([""], "1.0"),
        (["*/*"], "1.0"),
        (["application/*"], "1.0"),
        ([f"{JSON};version=1.0"], "1.0"),
        ([f"{JSON};version=1.1"], "1.1"),
        ([f"{JSON}; version=1.0"], "1.0"),
        ([f"{JSON} ; version = 1.1 ; q = 0.3"], "1.1"),
        ([f'{JSON};version="1.1"'], "1.1"),
        ([f"{JSON};version=1.0, application/json;q=0.5"], "1.0"),
        ([f"{JSON};version=1.0.1"], "1.0"),
        ([f"{JSON};version=1.1.0"], "1.1"),
        ([JSON], "1.0"),
        ([JSON.upper() + ";VERSION=1.1"], "1.1"),
        ([f"{JSON};version=1.0;q=0.5, {JSON};version=1.1"], "1.1"),
        ([f"{JSON};version=1.0;q=0.5", f"{JSON};version=1.1;q=0.6"], "1.1"),
        ([f"{JSON};version=2.0, {JSON};version=1.1"], "1.1"),
        ([f"{JSON};version=1.0;q=0, */*"], "1.1"),
        (["text/html, */*;q=0.8"], "1.0"),
    ],
)
def test_p62_what_is_accepted(accepts: list[str], version: str) -> None:
    assert negotiated(accepts, Media.JSON) == version


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        f"{JSON};version=2.0",
        f"{JSON};version=1.2",
        f"{JSON};version=01.0",
        f"{JSON};version=",
        f"{JSON};version=1.0;q=0",
        f"{JSON};version=1.0;q=2",
        f"{CSV};version=1.0",
        "*/*;q=0",
        "text/csv",
        ";;;,,,=",
    ],
)
def test_p62_what_is_not_acceptable_names_what_exists(accept: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        negotiated([accept], Media.JSON)
    assert refused.value.wrong == [f"{JSON};version=1.0", f"{JSON};version=1.1"]


def test_p62_metrics_are_csv() -> None:
    assert negotiated([f"{CSV};version=1.1"], Media.CSV) is Version.V1_1
    for accept in ("text/csv", f"{JSON};version=1.1"):
        with pytest.raises(NotAcceptable):
            negotiated([accept], Media.CSV)


@given(st.lists(st.text(alphabet=';,=.q01 */"aversion+', max_size=60), max_size=3))
def test_any_accept_is_answered_or_refused(accepts: list[str]) -> None:
    with suppress(NotAcceptable):
        assert negotiated(accepts, Media.JSON) in Version
