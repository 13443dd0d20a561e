"""Imported last by what others are forked from: none of them looks through what it has loaded.

To look is to write: each page that is looked through would be copied.
"""

from citybrain import garbage

garbage.set_aside()
