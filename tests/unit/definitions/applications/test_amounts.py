"""What an expression gives is paid only where it is money, and no more than the item allows."""

from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions import DefinitionError
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.definitions.applications.deciding import Outcome, decide
from citybrain.definitions.yaml_file import read_yaml
from citybrain.systems import load_definitions
from tests.given.catalogue import CATALOGUE, CODES, TODAY, changed

CEILING = 1_000_000


def paying(folder: Path, expression: str, payout: str = f"ceiling_fen: {CEILING}") -> ServiceItem:
    """An item without a rule that pays what an expression gives; `catalogue check` takes none."""
    path = folder / "gift.yaml"
    path.write_text(f"""\
valid_from: 2026-01-01
code: gift
name: 禮金
name_en: Gift
kind: approval
department: police
channels: [app]
source: a test
baseline: {{materials: 0, steps: 1, trips: 1, source: a test}}
deadline: {{promised_seconds: 30, source: a test}}
values:
  - {{name: amount, expression: '{expression}'}}
payout: {{amount: amount, from_account: gifts, {payout}, ceiling_source: a test}}
""")
    return read_yaml(path, ServiceItem)[0]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("0 - 500", "amount-invalid"),
        ("0", "amount-invalid"),
        ("0.5", "amount-invalid"),
        ("500.0", "amount-invalid"),
        ('"0"', "amount-invalid"),
        ('"many"', "amount-invalid"),
        ("true", "amount-invalid"),
        ("null", "amount-invalid"),
        ("[500]", "amount-invalid"),
        ("4611686018427387904", "amount-above-ceiling"),
        (f"{CEILING} + 1", "amount-above-ceiling"),
        ("1 / 0", "amount-unknown"),
        ("form.gift", "amount-unknown"),
    ],
)
def test_what_is_no_money_goes_to_an_officer(tmp_path: Path, expression: str, reason: str) -> None:
    decision = decide(paying(tmp_path, expression), {}, {}, TODAY)
    assert (decision.outcome, decision.reasons) == (Outcome.REFERRED, (reason,))
    assert decision.amount_fen is None


def test_the_ceiling_itself_is_paid(tmp_path: Path) -> None:
    decision = decide(paying(tmp_path, str(CEILING)), {}, {}, TODAY)
    assert (decision.outcome, decision.amount_fen) == (Outcome.APPROVED, CEILING)


@pytest.mark.parametrize("repaid", [2_000_000.5, -0.5, "3000000"])
def test_a_departments_fraction_neither_pays_nor_refuses(repaid: Any) -> None:
    form, evidence = changed("housing-fund-repayment", {"repayments.repaid_fen": repaid})
    decision = decide(CATALOGUE.item("housing-fund-repayment", TODAY), form, evidence, TODAY)
    assert decision.outcome is Outcome.REFERRED
    assert "something-to-withdraw" in decision.reasons


@pytest.mark.parametrize("code", [c for c in CODES if CATALOGUE.item(c, TODAY).payout])
def test_every_shipped_item_that_pays_says_the_most_it_pays(code: str) -> None:
    payout = CATALOGUE.item(code, TODAY).payout
    assert payout is not None
    assert payout.ceiling_source


@pytest.mark.parametrize("ceiling", ["from_where: here", "ceiling_fen: 0", "ceiling_fen: 1.5"])
def test_an_item_that_pays_needs_a_ceiling(tmp_path: Path, ceiling: str) -> None:
    with pytest.raises(DefinitionError, match=r"gift.yaml:13: payout"):
        paying(tmp_path, "500", ceiling)


def test_a_ceiling_is_not_part_of_the_version(tmp_path: Path) -> None:
    """An application under way goes on by the rules it began with, guarded better."""
    low, high = paying(tmp_path, "500"), paying(tmp_path, "500", "ceiling_fen: 7")
    assert low.version == high.version
    assert low.version != paying(tmp_path, "501").version
    recorded = {
        "first-home-subsidy": "2020-09-01+16931425",
        "heating-transfer": "2020-06-01+8d98ccd7",
        "housing-fund-purchase": "2020-06-01+b7d815bc",
        "housing-fund-repayment": "2020-06-01+d4c122fe",
        "living-allowance": "2020-09-01+635fe759",
        "residence-permit": "2016-01-01+bd3b50c2",
        "social-security-query": "2020-06-01+6fe36e93",
        "water-transfer": "2020-06-01+02b3af76",
    }
    catalogue = load_definitions().of(Catalogue)
    found = {version.version for code in CODES for version in catalogue.versions(code)}
    assert set(recorded.values()) <= found


@pytest.mark.parametrize("expression", ["0.5", "-0.5", '"5"', "true"])
def test_no_rule_looks_at_a_payout_that_is_no_whole_number(tmp_path: Path, expression: str) -> None:
    """It refuses nobody either, and `needs` waits for it."""
    paying(tmp_path, expression)
    path = tmp_path / "gift.yaml"
    path.write_text(
        path.read_text()
        + """\
rules:
  - {code: much, needs: [amount], require: amount == 500, reason: 少, reason_en: Few, source: test}
"""
    )
    decision = decide(read_yaml(path, ServiceItem)[0], {}, {}, TODAY)
    assert (decision.outcome, decision.reasons) == (Outcome.REFERRED, ("much", "amount-invalid"))
