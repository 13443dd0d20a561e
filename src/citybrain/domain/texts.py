"""What of a text somebody can see: a text of blanks says nothing, whichever blanks they are."""

import unicodedata

FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols that show nothing
UNSEEN = ("C", "M", "Z")  # controls and formats, marks on nothing, blanks


def says_something(text: str) -> bool:
    """Whether there is anything to see."""
    return any(
        character not in FILLERS and unicodedata.category(character)[0] not in UNSEEN
        for character in text
    )
