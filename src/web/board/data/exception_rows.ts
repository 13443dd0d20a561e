// Exceptions as rows: repeats of one kind that crowd the list stand as one, with how many, and the newest.

import type { BoardException } from "./standing";

export interface ExceptionRow {
  /** The newest of them. */
  each: BoardException;
  many: number;
}

/** Each of these is dealt with from one list, not at its place. */
const TOGETHER = new Set(["plate-twice", "detector-silent", "payout-to-repeat"]);

/** A row stands where the first of it stood. */
export function rowsOf(exceptions: readonly BoardException[]): ExceptionRow[] {
  const rows = new Map<string, ExceptionRow>();
  for (const each of exceptions) {
    const key = TOGETHER.has(each.kind) ? `${each.severity} ${each.kind}` : each.id;
    const row = rows.get(key);
    if (row === undefined) rows.set(key, { each, many: 1 });
    else rows.set(key, { each: Date.parse(each.since) > Date.parse(row.each.since) ? each : row.each, many: row.many + 1 });
  }
  return [...rows.values()];
}
