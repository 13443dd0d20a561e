"""Signals: lights that follow the queues, safe by construction."""

from citybrain.definitions.signals.junctions import load_signals
from citybrain.domain.signals.signal import Signal
from citybrain.systems.system import System

SIGNALS = System(name="signals", streams=(Signal,), definitions=(load_signals,))
