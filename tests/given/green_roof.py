"""A service item of a city's own, by a file alone."""

from pathlib import Path

from citybrain.settings import Settings

GREEN_ROOF = """
valid_from: 2024-01-01
code: green-roof-grant
name: 屋頂綠化補助
name_en: Green roof grant
kind: approval
department: housing-construction
channels: [web, app]
source: a test
baseline: {materials: 3, steps: 2, trips: 1, source: a test}
deadline: {promised_seconds: 30, legal_working_days: 5, source: a test}
form:
  - {name: area, label: 面積, label_en: Area in square metres, type: integer}
materials:
  - {name: identity, label: 身份, label_en: Identity, department: police, record: identity,
     members: {person: identity_number}}
  - {name: home, label: 不動產權, label_en: Home, department: real-estate-registry,
     record: ownership, members: {owner: identity_number}}
parameters:
  - {name: per_square_metre_fen, value: 5000, valid_from: 2024-01-01, source: a test}
values:
  - {name: amount_fen, expression: form.area * parameters.per_square_metre_fen}
rules:
  - code: own-roof
    needs: [identity, home]
    require: home.owner == identity.person
    reason: 不是產權人
    reason_en: Somebody else's roof
    source: a test
payout:
  {amount: amount_fen, from_account: green-fund, ceiling_fen: 100000000, ceiling_source: a test}
"""


def green_roof(settings: Settings, folder: Path) -> Path:
    """The file, in the city's own folder from now on."""
    settings.definitions_dir = folder / "definitions"
    (settings.definitions_dir / "service").mkdir(parents=True)
    file = settings.definitions_dir / "service" / "green-roof.yaml"
    file.write_text(GREEN_ROOF)
    return file
