"""How long what happened at junctions is kept for who looks back; the log has it for good."""

from datetime import timedelta

KEPT = timedelta(days=35)
"""Of lamps, changes, refusals, faults that are over, and five minutes of detectors."""
