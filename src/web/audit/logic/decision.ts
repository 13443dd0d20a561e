// The digest of a decision, computed anew: which decision a payout says that it follows from.
// docs/auditing.md, "The digest of a decision".

import type { StoredEvent } from "./entries";
import { fromBase64, hex, sha256 } from "./merkle";

export interface DecisionDigest {
  /** Of the event that decided, and of the payout that names it. */
  decision: number;
  payout: number;
  named: string;
  computed: string;
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The decisions that payouts of a stream name, each with the digest computed here. */
export async function decisionDigests(events: readonly StoredEvent[]): Promise<DecisionDigest[]> {
  const found: DecisionDigest[] = [];
  for (const event of events) {
    const data = event.data as Record<string, unknown> | null;
    const [version, named] = [data?.["decision_version"], data?.["decision_sha256"]];
    if (typeof version !== "number" || typeof named !== "string") continue;
    const decided = events.find((each) => each.version === version);
    if (decided === undefined) continue;
    const computed = hex(await sha256(new TextEncoder().encode(decisionText(decided))));
    found.push({ decision: version, payout: event.version, named, computed });
  }
  return found;
}

/** Canonical JSON of `state`, `stream_id`, `topic` and `version`. */
export function decisionText(event: StoredEvent): string {
  const state = sorted(new TextDecoder().decode(fromBase64(event.state_base64)));
  const [id, topic] = [JSON.stringify(event.stream_id), JSON.stringify(event.topic)];
  return `{"state":${state},"stream_id":${id},"topic":${topic},"version":${event.version}}`;
}

/**
 * JSON text with members sorted and no blanks. Numbers stay as they are written: a browser would
 * turn 1.0 into 1.
 */
export function sorted(text: string): string {
  let at = 0;
  const value = read();
  blanks();
  if (at !== text.length) throw new SyntaxError(`unexpected text at ${at}`);
  return value;

  function blanks(): void {
    while (" \t\r\n".includes(text[at] ?? "x")) at += 1;
  }
  function take(sign: string): boolean {
    blanks();
    if (!text.startsWith(sign, at)) return false;
    at += sign.length;
    return true;
  }
  function need(sign: string): void {
    if (!take(sign)) throw new SyntaxError(`${sign} expected at ${at}`);
  }
  function read(): string {
    blanks();
    if (text[at] === "{") return members();
    if (text[at] === "[") return items();
    if (text[at] === '"') return JSON.stringify(string());
    for (const word of ["true", "false", "null"]) if (take(word)) return word;
    NUMBER.lastIndex = at;
    const number = NUMBER.exec(text)?.[0];
    if (number === undefined) throw new SyntaxError(`no value at ${at}`);
    at += number.length;
    return number;
  }
  function string(): string {
    const from = at;
    at += 1;
    while (text[at] !== '"') {
      if (at >= text.length) throw new SyntaxError("a string has no end");
      at += text[at] === "\\" ? 2 : 1;
    }
    at += 1;
    return JSON.parse(text.slice(from, at)) as string;
  }
  function members(): string {
    const found: [string, string][] = [];
    need("{");
    if (take("}")) return "{}";
    do {
      blanks();
      const name = string();
      need(":");
      found.push([name, read()]);
    } while (take(","));
    need("}");
    found.sort(([one], [other]) => (one < other ? -1 : 1));
    return `{${found.map(([name, each]) => `${JSON.stringify(name)}:${each}`).join(",")}}`;
  }
  function items(): string {
    const found: string[] = [];
    need("[");
    if (take("]")) return "[]";
    do found.push(read());
    while (take(","));
    need("]");
    return `[${found.join(",")}]`;
  }
}
