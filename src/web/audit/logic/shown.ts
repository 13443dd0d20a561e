// Stored members as people read them: money, times, digests, what is sealed.

import { categoryName } from "../../shared/events";
import { dayAndTime, yuan } from "../../shared/format";
import { locale, t } from "../../shared/i18n";
import records from "../records_zh";
import { isNothing } from "./diff";
import type { StoredEvent } from "./entries";

const DIGEST = /^[0-9a-f]{64}$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const [FIRST_MS, LAST_MS] = [Date.UTC(2020), Date.UTC(2100)];
const ID = /^([a-z][a-z0-9_]*-)([0-9a-f]{32})$/;

/** The name of a member of a state. */
export function memberName(name: string): string {
  return name in records.member ? t(`member.${name}`) : name;
}

const SAYS = ["department", "material", "deadline", "milestone", "outcome", "fault", "stage", "plan"] as const;

/** Which one it was, of many alike: what its data names, as it is stored. */
export function aboutOf(event: StoredEvent): string {
  const data = (event.data ?? {}) as Record<string, unknown>;
  return SAYS.map((name) => data[name]).filter((value) => typeof value === "string").join(" ");
}

/** A stream by its kind and the end of its id: `申请 …8f3ac41e`. */
export function streamName(streamId: string): string {
  return `${categoryName(streamId.split("-")[0] ?? "")} …${streamId.slice(-8)}`;
}

/** Words one after the other, as the language does it. */
export function list(words: readonly (string | number)[]): string {
  return words.join(locale.value === "en" ? ", " : "、");
}

/** A member's value as text. */
export function shown(name: string, value: unknown): string {
  if (isNothing(value)) return t("diff.nothing");
  if (typeof value === "boolean") return t(value ? "diff.yes" : "diff.no");
  if (typeof value === "number") return name.endsWith("_fen") ? yuan(value) : number(value);
  if (typeof value === "string") return text(name, value);
  if (Array.isArray(value)) return list(value.map((each) => shown(name, each)));
  return Object.entries(value as object)
    .map(([key, each]) => `${key}: ${shown(key, each)}`)
    .join(locale.value === "en" ? "; " : "；");
}

/** Where something stands, in words where there are any. */
export function statusName(status: string): string {
  return status in records.status ? t(`status.${status}`) : status;
}

/** Moments of junctions are milliseconds since 1970. */
function number(value: number): string {
  if (!Number.isInteger(value) || value < FIRST_MS || value > LAST_MS) return String(value);
  return `${dayAndTime(new Date(value).toISOString())}${new Date(value).toISOString().slice(16, 23)}`;
}

function text(name: string, value: string): string {
  if (name.endsWith("_sealed")) return t("diff.sealed", { n: sealedBytes(value) });
  if (name === "status" || name === "outcome") return statusName(value);
  if (DIGEST.test(value)) return `${value.slice(0, 4)}…${value.slice(-4)}`;
  if (MOMENT.test(value)) return `${dayAndTime(value)}:${value.slice(17, 19)}`;
  const id = ID.exec(value);
  return id ? `${id[1]}…${value.slice(-8)}` : value;
}

function sealedBytes(value: string): number {
  return Math.floor((value.replace(/=+$/, "").length * 3) / 4);
}
