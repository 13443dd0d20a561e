// How far the records of an application are, by its steps.

import type { Step } from "./following";

export interface RecordState {
  material: string;
  department: string;
  state: "getting" | "got" | "failed";
  seconds: number | null;
}

interface Request {
  material: string;
  department: string;
}

/** Each record that was asked for, as it is now. */
export function recordsOf(steps: readonly Step[]): RecordState[] {
  const found = new Map<string, RecordState>();
  for (const { topic, details } of steps) {
    if (topic === "application.evidence_requested") {
      for (const { material, department } of details["requests"] as Request[]) {
        found.set(material, { material, department, state: "getting", seconds: null });
      }
    }
    const record = found.get(String(details["material"]));
    if (record === undefined) continue;
    if (topic === "application.evidence_collected") {
      Object.assign(record, { state: "got", seconds: Number(details["milliseconds"]) / 1000 });
    }
    if (topic === "application.evidence_failed") record.state = "failed";
  }
  return [...found.values()];
}

/** How many are here. */
export function gotOf(records: readonly RecordState[]): number {
  return records.filter((each) => each.state === "got").length;
}
