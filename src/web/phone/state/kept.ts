// What this phone keeps until the city has it: applications and reports that wait for the network,
// each with its idempotency key, so that it is sent once however often it is tried. Signing out
// empties it.

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import { KEPT_IN } from "../../shared/kept";

/** Something that was sent off, and is not answered yet. */
export interface Waiting {
  /** Its idempotency key. */
  key: string;
  /** Whose it is: nobody else goes on with it. */
  subject: string;
  kind: "application" | "report";
  /** The service, or the class of the case. */
  what: string;
  body: Record<string, unknown>;
  /** A report's photo, until it was sent. */
  photo: Blob | null;
  /** The draft that becomes the application. */
  draft?: string | null;
  at: string;
}

// `shared/kept.ts` empties the same database when somebody signs out in another client.
interface Schema extends DBSchema {
  waiting: { key: string; value: Waiting };
}

let opened: Promise<IDBPDatabase<Schema>> | null = null;

function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>(KEPT_IN, 1, {
    upgrade: (db) => void db.createObjectStore("waiting", { keyPath: "key" }),
  });
  return opened;
}

/** Keep something, or what has become of it. */
export async function keep(waiting: Waiting): Promise<void> {
  await (await database()).put("waiting", waiting);
}

/** It has arrived, or will not be sent any more. */
export async function drop(key: string): Promise<void> {
  await (await database()).delete("waiting", key);
}

/** What waits of one person, the oldest first. */
export async function keptOf(subject: string): Promise<Waiting[]> {
  const all = await (await database()).getAll("waiting");
  return all.filter((each) => each.subject === subject).sort((a, b) => a.at.localeCompare(b.at));
}

/** Nothing of anybody stays. */
export async function empty(): Promise<void> {
  await (await database()).clear("waiting");
}
