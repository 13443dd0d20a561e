// Stored events as entries that can be hashed, written to a file, and compared with a file that
// was kept.

import type { Model } from "../../shared/api";
import { canonical } from "./diff";
import type { Bytes } from "./merkle";

export type StoredEvent = Model<"StoredEvent">;
/** What is compared: all that is stored; `data` is only `state_base64` once more. */
export type Entry = Omit<StoredEvent, "data">;

const MEMBERS = ["metadata", "position", "recorded_at", "state_base64", "stream_id", "topic", "version"] as const;

/** The seven stored members of an event. */
export function entryOf(event: Entry): Entry {
  return {
    position: event.position,
    stream_id: event.stream_id,
    version: event.version,
    topic: event.topic,
    recorded_at: event.recorded_at.replace(/\+00:00$/, "Z"),
    metadata: event.metadata,
    state_base64: event.state_base64,
  };
}

/** The bytes of an entry: canonical JSON of its seven members (`jq -cSj 'del(.data)'`). */
export function entryBytes(event: Entry): Bytes {
  return new TextEncoder().encode(canonical(entryOf(event)));
}

/** A line an event, as `citybrain audit export` writes them. */
export function ndjson(events: readonly Entry[]): string {
  return events.map((event) => `${JSON.stringify(entryOf(event))}\n`).join("");
}

/** A file is no export of events. */
export class NotAnExport extends Error {
  constructor(readonly line: number) {
    super(`line ${line} is no event`);
  }
}

/** The events of one stream in a file of lines, by version; throws `NotAnExport`. */
export function entriesIn(text: string, streamId: string): Map<number, Entry> {
  const found = new Map<number, Entry>();
  text.split("\n").forEach((line, index) => {
    if (line.trim() === "") return;
    const said = parsed(line);
    if (said === null) throw new NotAnExport(index + 1);
    if ("format" in said || "end" in said) return;
    if (!MEMBERS.every((name) => name in said)) throw new NotAnExport(index + 1);
    const entry = said as unknown as Entry;
    if (entry.stream_id === streamId) found.set(entry.version, entryOf(entry));
  });
  return found;
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** What is not as it must be among the events of one stream, in their order. */
export function gaps(events: readonly Entry[]): number[] {
  return events
    .filter((event, index) => {
      const before = events[index - 1];
      if (before === undefined) return event.version !== 1;
      const forward = event.position > before.position && !(event.recorded_at < before.recorded_at);
      return event.version !== before.version + 1 || !forward;
    })
    .map(({ version }) => version);
}

/** The last version that was recorded by a moment (milliseconds, its whole second); the first where none was. */
export function versionAt(events: readonly StoredEvent[], at: number): number {
  const by = events.filter(({ recorded_at }) => Date.parse(recorded_at) < at + 1000);
  return Math.max(1, by.length);
}

/** Hash dump lines: offset, 16 bytes in hex, and as ASCII. */
export function hexLines(bytes: Bytes, most: number): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, most); at += 16) {
    const part = [...bytes.slice(at, at + 16)];
    const digits = part.map((each) => each.toString(16).padStart(2, "0")).join(" ");
    const shown = part.map((each) => (each > 31 && each < 127 ? String.fromCharCode(each) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${digits.padEnd(47)}  ${shown}`);
  }
  return lines.join("\n");
}
