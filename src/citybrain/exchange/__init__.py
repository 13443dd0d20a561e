"""Departments: asked over HTTP, their answers signed and verified.

Requests carry X-Road headers, answers are compact JWS. Nothing here decides anything, and no
message of an error says what a record says.
"""

from citybrain.exchange.departments import Evidence, EvidenceRequest, SourceFailed
from citybrain.exchange.exchange import Exchange, open_exchange

__all__ = ["Evidence", "EvidenceRequest", "Exchange", "SourceFailed", "open_exchange"]
