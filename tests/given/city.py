"""A city's own folder of definitions."""

from pathlib import Path

GOOD = """\
valid_from: 2021-06-01
departments:
  - {code: parks, name: 公園, name_en: Parks}
classes:
  - code: fallen_tree
    name: 倒樹
    name_en: Fallen tree
    source: a test
    route: {departments: [parks], lead: parks}
"""


def city(folder: Path, text: str, name: str = "city.yaml") -> Path:
    (folder / "case").mkdir(exist_ok=True)
    (folder / "case" / name).write_text(text, encoding="utf-8")
    return folder
