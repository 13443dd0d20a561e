"""PDF files that people send: paper is taken, what is more than paper is not."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import InvalidInput
from citybrain.pdf_files import (
    MOST_OBJECTS,
    MOST_UNPACKED_BYTES,
    DocumentActive,
    DocumentDamaged,
    DocumentUnsupported,
    check_pdf,
)
from tests.given.pdf_files import pdf, stream

PAGE = stream(b"", b"BT /F1 12 Tf (JavaScript is a word here) Tj ET")
SCRIPT = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
PACKED = b"/Type /ObjStm /N 1 /First 4"


@pytest.mark.parametrize(
    "content",
    [
        pdf(),
        pdf(version=b"1.4"),
        pdf(version=b"2.0"),
        pdf(PAGE),
        pdf(stream(PACKED, b"7 0 << /Type /Font >>")),
        pdf(b"<< /OpenAction [3 0 R /Fit] >>"),
    ],
)
def test_paper_is_taken(content: bytes) -> None:
    check_pdf(content)


@pytest.mark.parametrize(
    "content",
    [
        pdf(SCRIPT),
        pdf(b"<< /S /J#61vaScript >>"),
        pdf(b"<< /S /Launch /F (cmd.exe) >>"),
        pdf(b"<< /Names << /EmbeddedFiles 5 0 R >> >>"),
        pdf(b"<< /AcroForm << /XFA 9 0 R >> >>"),
        pdf(b"<< /S /SubmitForm /F (http://elsewhere) >>"),
        pdf(trailer=b"/Encrypt 5 0 R"),
        pdf(stream(PACKED, b"7 0 " + SCRIPT)),
        pdf(stream(b"/Type /Obj#53tm /N 1 /First 4", b"7 0 " + SCRIPT)),
        pdf(stream(b"/Remarks (" + b"x" * 4000 + b") " + PACKED, b"7 0 " + SCRIPT)),
    ],
)
def test_what_is_more_than_paper_is_not(content: bytes) -> None:
    with pytest.raises(DocumentActive):
        check_pdf(content)


@pytest.mark.parametrize(
    "content",
    [
        pdf()[:-20],
        pdf() + b"MZ" * 2000,
        pdf().replace(b"startxref\n", b"startxref\n9"),
        pdf(*[b"<<>>"] * (MOST_OBJECTS + 1)),
        pdf(stream(PACKED, bytes(MOST_UNPACKED_BYTES + 1))),
        pdf(b"<< " + PACKED + b" /Filter /LZWDecode >>\nstream\nxxxx\nendstream"),
        pdf(stream(PACKED, b"x" * 500)[:-20]),
    ],
)
def test_what_is_put_together_strangely_is_damaged(content: bytes) -> None:
    with pytest.raises(DocumentDamaged):
        check_pdf(content)


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"%PDF-9.9\n", b"\n" + pdf(), b"<html>%PDF-1.7"]
)
def test_what_is_no_pdf_file_is_none(content: bytes) -> None:
    with pytest.raises(DocumentUnsupported):
        check_pdf(content)


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 400))
def test_whatever_is_sent_is_taken_or_refused(noise: bytes, start: int, end: int) -> None:
    whole = pdf(PAGE, stream(PACKED, b"7 0 << >>"))
    with suppress(InvalidInput):
        check_pdf(whole[:start] + noise + whole[end:])
