"""For schemathesis: each operation is called by somebody who may, who is named in `callers.json`.

Said in its settings, an operation each, they are put together anew for each operation and phase:
that took three times as long as all requests.
"""

import json
from pathlib import Path
from typing import Any

import schemathesis

CALLERS = Path("callers.json")
TOKENS: dict[str, str] = json.loads(CALLERS.read_text(encoding="utf-8"))
"""By `METHOD /path`; who is in none is asked for nothing."""


@schemathesis.auth(refresh_interval=None, retry_on=[])
class WhoMay:
    """Puts the token of an operation into its requests."""

    def get(self, case: Any, _: Any) -> str | None:
        """The token, where the operation takes one."""
        return TOKENS.get(case.operation.label)

    def set(self, case: Any, token: str, _: Any) -> None:
        """Say who calls."""
        case.headers["Authorization"] = f"Bearer {token}"
