// The table of open cases: classes down, departments across, the more the darker.

import type { OpenCount } from "./snapshot";

export interface OpenTable {
  /** Codes, most open cases first; `null` (not dispatched yet) last. */
  departments: (string | null)[];
  rows: { class_code: string; cells: number[]; total: number }[];
  totals: number[];
  most: number;
}

/** Lay the counts out as a table. */
export function openTable(counts: readonly OpenCount[]): OpenTable {
  const byDepartment = new Map<string | null, number>();
  const byClass = new Map<string, Map<string | null, number>>();
  for (const { department, class_code, open } of counts) {
    if (open <= 0) continue;
    byDepartment.set(department, (byDepartment.get(department) ?? 0) + open);
    const row = byClass.get(class_code) ?? new Map<string | null, number>();
    row.set(department, (row.get(department) ?? 0) + open);
    byClass.set(class_code, row);
  }
  const departments = [...byDepartment.keys()].sort(
    (one, other) =>
      Number(one === null) - Number(other === null) ||
      (byDepartment.get(other) ?? 0) - (byDepartment.get(one) ?? 0) ||
      String(one).localeCompare(String(other)),
  );
  const rows = [...byClass]
    .map(([class_code, row]) => ({
      class_code,
      cells: departments.map((department) => row.get(department) ?? 0),
      total: [...row.values()].reduce((sum, open) => sum + open, 0),
    }))
    .sort((one, other) => other.total - one.total || one.class_code.localeCompare(other.class_code));
  return {
    departments,
    rows,
    totals: departments.map((department) => byDepartment.get(department) ?? 0),
    most: Math.max(1, ...rows.flatMap((row) => row.cells)),
  };
}
