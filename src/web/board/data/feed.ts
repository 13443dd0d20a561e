// Keeps to a stream of the board's snapshots: all of it, then what has changed. Let go of while nobody
// looks, tried again when it falls silent.

import { follow } from "../../shared/follow";

/** Silence after which the connection is taken for dead. The server speaks every ten seconds. */
export const SILENCE_MS = 20_000;

type Members = Record<string, unknown>;

const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** So many of the newest events are kept. */
const NEWEST = 40;

/**
 * A snapshot with what has changed: members, or the members of one that is an object. Of `newest`
 * those that are new come, and stand before the others.
 */
export function merged(whole: Members, changes: Members): Members {
  const found = { ...whole };
  for (const [name, value] of Object.entries(changes)) {
    const known = found[name];
    if (name === "newest" && Array.isArray(value) && Array.isArray(known)) {
      found[name] = [...(value as unknown[]), ...(known as unknown[])].slice(0, NEWEST);
    } else {
      found[name] = isMembers(value) && isMembers(known) ? { ...known, ...value } : value;
    }
  }
  return found;
}

/** What a message comes to; `null`: it cannot be read, or nothing is known that it could change. */
export function taken(known: Members | null, event: string | undefined, data: string): Members | null {
  let said: unknown;
  try {
    said = JSON.parse(data);
  } catch {
    return null;
  }
  if (!isMembers(said)) return null;
  if (event === "changes") return known === null ? null : merged(known, said);
  return event === "snapshot" ? said : null;
}

export interface FeedListener {
  /** The newest snapshot; `null`: it cannot be read. */
  onSnapshot: (snapshot: Members | null) => void;
  onLost: () => void;
}

/** Follow a path until the function that is returned is called. */
export function keepTo(path: string, listener: FeedListener): () => void {
  let ending: AbortController | null = null;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let known: Members | null = null;
  const stop = (): void => {
    clearTimeout(silence);
    ending?.abort();
  };
  const watch = (): void => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      listener.onLost();
      start();
    }, SILENCE_MS);
  };
  const start = (): void => {
    stop();
    const controller = new AbortController();
    ending = controller;
    watch();
    follow(path, {
      signal: controller.signal,
      onMessage: ({ event, data }) => {
        watch();
        known = taken(known, event, data);
        listener.onSnapshot(known);
      },
      onState: (state) => state === "away" && listener.onLost(),
    }).catch(listener.onLost);
  };
  const look = (): void => (document.hidden ? stop() : start());
  document.addEventListener("visibilitychange", look);
  start();
  return () => {
    document.removeEventListener("visibilitychange", look);
    stop();
  };
}
