"""A partition that has lost its end, as after a power cut of its only broker."""

import struct
from pathlib import Path

BATCH = struct.Struct(">qi")  # base offset, bytes behind these twelve


def cut(partition: Path, keep: float) -> int:
    """Leave the first batches of a partition, such a share of them; how many batches are gone.

    Its broker must not run. A batch is taken whole: a torn one Kafka would take away itself.
    """
    (segment,) = partition.glob("*.log")
    data = segment.read_bytes()
    begins = []
    place = 0
    while place + BATCH.size <= len(data):
        _, length = BATCH.unpack_from(data, place)
        if length <= 0:
            break
        begins.append(place)
        place += BATCH.size + length
    kept = int(len(begins) * keep)
    with segment.open("r+b") as file:
        file.truncate(begins[kept] if kept < len(begins) else place)
    for beside in partition.iterdir():
        if beside.suffix in (".index", ".timeindex", ".snapshot", ".txnindex"):
            beside.unlink()
    return len(begins) - kept
