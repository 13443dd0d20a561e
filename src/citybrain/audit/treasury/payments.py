"""Whether what the bank confirmed is what it was told, of all money that moves."""

from collections.abc import Iterator

import orjson

from citybrain.domain.payment_steps import Stage
from citybrain.domain.treasury.payment_steps import PAYMENT_STEPS
from citybrain.eventstore.types import Stored


class Confirmations:
    """Follows instructions until the bank has said what it did."""

    def __init__(self) -> None:
        self._told: dict[str, int | None] = {}

    def look(self, event: Stored) -> Iterator[tuple[str, str]]:
        """Compare what was moved with what was told."""
        step = PAYMENT_STEPS.get(event.topic)
        if step is None or step.stage is Stage.TAKEN:
            return
        try:
            data = orjson.loads(event.state)
            payment, amount_fen = data["payment_id"], data.get("amount_fen")
        except (ValueError, KeyError, TypeError) as error:
            yield "payments", f"it cannot be read: {type(error).__name__}"
            return
        if step.stage is Stage.INSTRUCTED:
            self._told[payment] = amount_fen
        elif step.stage is Stage.CONFIRMED:
            if payment not in self._told:
                yield "payments", "the bank moved money that it was not told to move"
            elif amount_fen != (told := self._told[payment]):
                yield "payments", f"the bank moved {amount_fen} fen, it was told {told}"
