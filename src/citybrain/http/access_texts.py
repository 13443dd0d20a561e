"""What the codes of accesses say to people, in English and simplified Chinese.

The texts stand in `access_texts.yaml` of each system's room. Services and departments' records have
the names that the catalogue gives them (`words` of a system); a code without any is shown as it is.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from citybrain.http.texts import joined

HERE = Path(__file__).parent

Words = Mapping[str, Mapping[str, Mapping[str, str]]]
"""By kind (`roles`, `purposes`, `whats`, `records`), code and language."""


@cache
def access_texts() -> Words:
    """Those of all rooms."""
    return joined(sorted(HERE.glob("*/access_texts.yaml")), depth=2)


def merged(several: Iterable[Words]) -> Words:
    """All words of several vocabularies; the first has its way."""
    found: dict[str, dict[str, Mapping[str, str]]] = {}
    for words in several:
        for kind, texts in words.items():
            found[kind] = {**texts, **found.get(kind, {})}
    return found


def said(code: str, language: str, names: Words, *kinds: str) -> str:
    """What a code of one of these kinds says; itself where nobody has a word for it."""
    for kind in kinds:
        for words in (access_texts(), names):
            if found := words.get(kind, {}).get(code):
                return found[language]
    return code
