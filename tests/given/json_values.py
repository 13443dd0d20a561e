"""Whatever JSON can be, and what departments are likely to send where they should not."""

from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=3,
)
LIKELY: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", " ", "\u3000", "\t", True, False, 0, 1, -1, 0.0, 1.0, 2_000_000.5, "0", "1", "true",
     "null", "None", "2099-01-01", "2026-03-02", "1899-12-31", "2026-02-30", "20260301",
     "2026-03-01T00:00:00Z", 10**12 + 1, 2**62, 2**70, -(2**63), [], {}, [1], "normal ", "p1"]
)  # fmt: skip
