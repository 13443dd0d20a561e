"""PDF files made by hand: small ones that are right, and what hides in others."""

import zlib


def pdf(*objects: bytes, trailer: bytes = b"", version: bytes = b"1.7") -> bytes:
    """A file of one empty page, with further objects and members of the trailer."""
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
        *objects,
    ]
    content = b"%PDF-" + version + b"\n"
    places = []
    for number, part in enumerate(parts, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    content += b"".join(b"%010d 00000 n \n" % place for place in places)
    content += b"trailer\n<< /Size %d /Root 1 0 R %b >>\n" % (len(parts) + 1, trailer)
    return content + b"startxref\n%d\n%%%%EOF\n" % table


def stream(header: bytes, content: bytes) -> bytes:
    """An object with a packed stream."""
    packed = zlib.compress(content)
    return b"<< %b /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (
        header,
        len(packed),
        packed,
    )
