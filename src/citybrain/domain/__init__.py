"""Streams and decisions: pure, no I/O. One module per stream."""
