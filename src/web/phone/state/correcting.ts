// What an officer asks for when an application is sent back, and what has come of it.

import type { Step } from "./following";

export interface Asked {
  /** Answers of the form, by name. */
  fields: readonly string[];
  /** Documents, by kind; and those that are here. */
  documents: readonly string[];
  received: ReadonlySet<string>;
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** What the last sending back asks for; documents that came since count. */
export function askedIn(steps: readonly Step[]): Asked {
  const last = steps.filter((each) => each.topic === "application.sent_back").at(-1);
  const since = steps.filter((each) => each.topic === "application.document_added" && each.version > (last?.version ?? 0));
  return {
    fields: texts(last?.details["fields"]),
    documents: texts(last?.details["documents"]),
    received: new Set(since.map((each) => String(each.details["kind"]))),
  };
}
