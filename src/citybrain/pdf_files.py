"""PDF files that people send: looked over, kept as they are, and never rendered by us.

What is refused is what makes a file more than paper: scripts, programs to start, files within the
file, forms that send themselves, encryption. Names are read as readers do (`#4a` is `J`), also in
the packed parts where newer files keep their objects. A reader that is wrong about a file is a risk
that stays: whoever opens one opens it in their own reader, from a download.
"""

import re
import zlib
from collections.abc import Iterator

from citybrain.errors import InvalidInput

PDF = "application/pdf"

MOST_OBJECTS = 20_000
MOST_UNPACKED_BYTES = 32_000_000
TAIL_BYTES = 2048
LONGEST_HEADER_BYTES = 16_384

HEAD = re.compile(rb"%PDF-(1\.[0-7]|2\.0)[\r\n ]")
TAIL = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF\s*\Z")
TABLE = re.compile(rb"\s*(xref\b|\d{1,10}\s+\d{1,5}\s+obj\b)")
OBJECT = re.compile(rb"\bobj\b")
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
NAME = re.compile(rb"/[^\s/<>\[\](){}%\x00]{2,127}")
STREAM = re.compile(rb"\bstream\r?\n")
FORM_PROGRAM = re.compile(rb"/XFA\s*(\[|\d+\s+\d+\s+R)")

ACTIVE = {
    b"/JavaScript",
    b"/Launch",
    b"/EmbeddedFile",
    b"/EmbeddedFiles",
    b"/RichMedia",
    b"/SubmitForm",
    b"/ImportData",
    b"/Rendition",
    b"/Encrypt",
}


class DocumentUnsupported(InvalidInput):
    """Neither a photo nor a PDF file."""

    code = "document-unsupported"


class DocumentDamaged(InvalidInput):
    """The file ends early, contradicts itself, or is put together in no usual way."""

    code = "document-damaged"


class DocumentActive(InvalidInput):
    """The file does more than show pages, or hides them behind a password."""

    code = "document-active"


def check_pdf(content: bytes) -> None:
    """Raise `DocumentUnsupported`, `DocumentDamaged` or `DocumentActive` for what is not taken."""
    if not HEAD.match(content):
        raise DocumentUnsupported("a document is a photo or a PDF file")
    tail = TAIL.search(content[-TAIL_BYTES:])
    if tail is None or not TABLE.match(content, int(tail[1])):
        raise DocumentDamaged("the file ends early, or its table is not where it says")
    if sum(1 for _ in OBJECT.finditer(content)) > MOST_OBJECTS:
        raise DocumentDamaged("the file has too many parts", limit_objects=MOST_OBJECTS)
    _check_names(content)
    for unpacked in _packed_objects(content):
        _check_names(unpacked)


def _check_names(content: bytes) -> None:
    found = {_plain(name) for name in NAME.findall(content)}
    if not found.isdisjoint(ACTIVE) or FORM_PROGRAM.search(content):
        raise DocumentActive("the file runs or carries something, or is encrypted")


def _plain(name: bytes) -> bytes:
    """A name as readers take it."""
    return ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), name) if b"#" in name else name


def _packed_objects(content: bytes) -> Iterator[bytes]:
    """The streams that hold objects, unpacked; all of them within a limit."""
    left = MOST_UNPACKED_BYTES
    for begin in STREAM.finditer(content):
        before = content[max(0, begin.start() - LONGEST_HEADER_BYTES) : begin.start()]
        header = before.rpartition(b"obj")
        end = content.find(b"endstream", begin.end())
        if not header[1] or end < 0:
            raise DocumentDamaged("the file is put together in no usual way")
        if b"/ObjStm" not in {_plain(name) for name in NAME.findall(header[2])}:
            continue
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(content[begin.end() : end], left + 1)
        except zlib.error as error:
            raise DocumentDamaged("the file is packed in no usual way") from error
        left -= len(unpacked)
        if left < 0:
            raise DocumentDamaged("the file unpacks to too much", limit_bytes=MOST_UNPACKED_BYTES)
        if not unpacker.eof:
            raise DocumentDamaged("the file is packed in no usual way")
        yield unpacked
