"""Examples that a service item carries: evidence that is approved, and what changes that."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from citybrain.definitions.yaml_file import Code


def _as_json(values: Any) -> Any:
    """With days as text: YAML reads a day without quotes as a day."""
    if not isinstance(values, dict):
        return values
    return {n: v.isoformat() if isinstance(v, date) else v for n, v in values.items()}


Values = Annotated[dict[str, Any], BeforeValidator(_as_json)]
Changes = Values
"""Other values, by material and member (`account.status`), or answer (`form.ground`)."""


class _Example(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Refusal(_Example):
    """What makes one rule refuse, and no other."""

    rule: Code
    change: Changes = Field(min_length=1)


class Referral(_Example):
    """What only an officer can decide: a record that is missing, or one that says nonsense."""

    without: str | None = Field(None, description="the material that was not delivered")
    change: Changes = Field(default_factory=dict)


class Examples(_Example):
    """Answers and records that are approved on a day, and changes that refuse or refer."""

    day: date
    form: Values = Field(default_factory=dict)
    evidence: dict[str, Values]
    pays_fen: int | None = Field(None, strict=True, description="where the item pays")
    refuses: tuple[Refusal, ...] = ()
    refers: tuple[Referral, ...] = ()
