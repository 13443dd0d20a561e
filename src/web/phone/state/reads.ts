// Readings of one's data are told apart by where they are on the record.

import type { Model } from "../../shared/api";

/** Stream, version and what was read: one reading. */
export function keyOf(row: Model<"AccessRow">): string {
  return `${row.stream_id}@${row.version}:${row.what}`;
}
