// Three checks of a stream: its order, its read model, and its decision taken again.

import { api, ask, type Model } from "../../shared/api";
import { canonical, type State } from "./diff";
import { gaps, type StoredEvent } from "./entries";

export interface Check {
  name: "order" | "model" | "rules" | "money";
  /** Null: there was nothing to check. */
  holds: boolean | null;
  /** What differs, or how many members were compared. */
  fields: string[];
  compared: number;
  /** Why there was nothing to check. */
  why: "notFor" | "notYet" | "later" | null;
  versions: readonly [number, number] | null;
}

/** Check a stream whose events and last state are at hand. */
export async function checked(events: readonly StoredEvent[], version: number, state: State): Promise<Check[]> {
  const wrong = gaps(events);
  const order = check("order", wrong.length === 0, wrong.map(String));
  const streamId = events[0]?.stream_id ?? "";
  if (!streamId.startsWith("application-")) return [order, nothing("model", "notFor"), nothing("rules", "notFor")];
  const path = { application_id: streamId };
  const [row, explained] = await Promise.all([
    ask(api.GET("/v1/applications/{application_id}", { params: { path } })),
    ask(api.GET("/v1/applications/{application_id}/explanation", { params: { path } })),
  ]);
  return [order, model(row.application, version, state), ...decided(explained)];
}

/** Members of one name say the same in both; times may be written in another way. */
export function model(row: object, version: number, state: State): Check {
  const shown = row as Record<string, unknown>;
  if (shown["version"] !== version) {
    return { ...nothing("model", "later"), versions: [Number(shown["version"]), version] };
  }
  const names = Object.keys(shown).filter((name) => name in state && name !== "position");
  const differ = names.filter((name) => plain(shown[name]) !== plain(state[name]));
  return { ...check("model", differ.length === 0, differ), compared: names.length };
}

function decided(explained: Model<"Explanation">): Check[] {
  const again = explained.recomputed;
  const rules = again === null ? nothing("rules", "notYet") : check("rules", again["same"] === true);
  const paid = explained.payments.map((each) => each["compared"] as { same?: boolean } | undefined);
  if (paid.length === 0) return [rules];
  return [rules, check("money", paid.every((each) => each?.same === true))];
}

function plain(value: unknown): string {
  const isTime = typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value);
  return isTime ? value.replace(/\+00:00$/, "Z") : canonical(value ?? null);
}

function check(name: Check["name"], holds: boolean, fields: string[] = []): Check {
  return { name, holds, fields, compared: 0, why: null, versions: null };
}

function nothing(name: Check["name"], why: NonNullable<Check["why"]>): Check {
  return { name, holds: null, fields: [], compared: 0, why, versions: null };
}
