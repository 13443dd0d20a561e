"""CSV rows: none is lost, each bad one is named, and none costs its neighbours."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import InvalidInput
from commands.csv_rows import LINE_LIMIT, CsvRows, Row, open_rows


def rows(data: bytes) -> list[Row]:
    return list(CsvRows(io.BytesIO(data), "file.csv", {"a", "b"}))


def told(data: bytes) -> list[tuple[int, dict[str, str] | str]]:
    return [(row.line, row.problem or row.fields) for row in rows(data)]


def test_a_row_has_its_line_its_bytes_and_its_fields() -> None:
    found = rows(b'\xef\xbb\xbfa,b\r\n1,"x, y"\r\n\r\n2,z')
    assert [(row.line, row.raw, row.fields["b"]) for row in found] == [
        (2, b'1,"x, y"', "x, y"),
        (4, b"2,z", "z"),
    ]
    assert found[-1].end == len(b'\xef\xbb\xbfa,b\r\n1,"x, y"\r\n\r\n2,z')


def test_a_quoted_field_may_span_lines_and_counts_as_one_row() -> None:
    assert told(b'a,b\n1,"x\ny"\n2,z\n') == [
        (2, {"a": "1", "b": "x\ny"}),
        (4, {"a": "2", "b": "z"}),
    ]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (b'1,"open', "a quotation mark is not closed"),
        (b'1,"shut"x', "it is not CSV: ',' expected after '\"'"),
        (b"1", "it has 1 columns, the header 2"),
        (b"1,2,3", "it has 3 columns, the header 2"),
        (b"1,\xff", "it is not UTF-8"),
        (b"1,\0", "it holds a zero byte"),
        (b"1," + b"x" * LINE_LIMIT, f"it is longer than {LINE_LIMIT} bytes"),
    ],
)
def test_a_bad_row_is_named_and_its_neighbours_are_read(bad: bytes, problem: str) -> None:
    found = told(b"a,b\n1,x\n" + bad + b"\n3,y\n4,z\n")
    assert found == [
        (2, {"a": "1", "b": "x"}),
        (3, problem),
        (4, {"a": "3", "b": "y"}),
        (5, {"a": "4", "b": "z"}),
    ]


def test_an_open_quotation_mark_before_another_one_costs_one_row() -> None:
    assert [line for line, _ in told(b'a,b\n1,"open\n2,x\n3,"y"\n4,z\n')] == [2, 3, 4, 5]


@pytest.mark.parametrize("data", [b"", b"x,y\n", b"a\n", b"a,b,a\n", b'a,"b\n', b"a,\xff\n"])
def test_a_file_of_another_kind_is_a_clear_error(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"file\.csv"):
        rows(data)


fields = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(fields, fields), max_size=8))
def test_whatever_a_csv_writer_writes_is_read_back(written: list[tuple[str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *written])
    found = rows(text.getvalue().encode())
    assert [(row.fields["a"], row.fields["b"]) for row in found] == written


@given(st.binary(max_size=200) | st.text('a,"\n\r ', max_size=60).map(str.encode))
def test_every_line_of_any_bytes_is_in_exactly_one_row(data: bytes) -> None:
    read = b"\n".join(row.raw for row in rows(b"a,b\n" + data))
    assert _lines(read) == _lines(data)


def _lines(data: bytes) -> list[bytes]:
    return [line.strip(b"\r") for line in data.split(b"\n") if line.strip(b"\r")]


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        open_rows(tmp_path / "none.csv")
