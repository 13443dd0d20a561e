"""Benchmarks: every figure beside its limit and its peers, measured in the same run.

They live in a checkout, not in the package. `citybrain bench --help` starts them.
"""
