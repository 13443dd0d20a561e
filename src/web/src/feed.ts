// Keeps a connection to `/live`: server-sent events, tried again with growing, jittered pauses,
// and given up and tried again when the server falls silent. It never touches the page.

import { parseSnapshot, UnreadableSnapshot, type Snapshot } from "./snapshot";

export type FeedState = "connecting" | "live" | "reconnecting" | "outdated" | "paused";

export interface FeedListener {
  snapshot(snapshot: Snapshot): void;
  state(state: FeedState): void;
}

/** The part of `EventSource` that is needed; tests bring their own. */
export interface Source {
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface FeedOptions {
  open(url: string): Source;
  random(): number;
}

/** Silence after which the connection is taken for dead. The server speaks more often. */
export const SILENCE_MS = 20_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** The pause before attempt `attempt` (0 is the first retry), with `jitter` in [0, 1). */
export function pauseBefore(attempt: number, jitter: number): number {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full * (0.5 + jitter / 2));
}

/** A snapshot with what has changed: members, or the members of one that is an object. */
export function changed(snapshot: string, changes: string): string {
  const whole = JSON.parse(snapshot) as Record<string, unknown>;
  for (const [name, value] of Object.entries(JSON.parse(changes) as Record<string, unknown>)) {
    if (name === "newest") whole[name] = [...list(value), ...list(whole[name])].slice(0, NEWEST);
    else whole[name] = isObject(value) && isObject(whole[name]) ? { ...whole[name], ...value } : value;
  }
  return JSON.stringify(whole);
}

const NEWEST = 40;
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export class Feed {
  private source: Source | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private attempt = 0;
  private last = "{}";

  constructor(
    private readonly url: string,
    private readonly listener: FeedListener,
    private readonly options: FeedOptions,
  ) {}

  /** Connect, or connect again at once. */
  start(): void {
    this.close();
    this.attempt = 0;
    this.listener.state("connecting");
    this.connect();
  }

  /** Let go of the connection, for example while nobody looks at the page. */
  pause(): void {
    this.close();
    this.listener.state("paused");
  }

  private connect(): void {
    const source = this.options.open(this.url);
    this.source = source;
    this.watch();
    source.addEventListener("snapshot", (event) => {
      if (this.source === source) this.received(event.data);
    });
    source.addEventListener("changes", (event) => {
      if (this.source === source) this.received(changed(this.last, event.data));
    });
    // The browser's own retry gives up for good on an answer that is not 200: ours never does.
    source.addEventListener("error", () => {
      if (this.source === source) this.lost();
    });
  }

  private received(data: string): void {
    this.watch();
    this.last = data;
    try {
      const snapshot = parseSnapshot(data);
      this.attempt = 0;
      this.listener.state("live");
      this.listener.snapshot(snapshot);
    } catch (error) {
      if (!(error instanceof UnreadableSnapshot)) throw error;
      this.listener.state("outdated");
    }
  }

  private lost(): void {
    this.close();
    this.listener.state("reconnecting");
    this.retry = setTimeout(() => this.connect(), pauseBefore(this.attempt, this.options.random()));
    this.attempt += 1;
  }

  private watch(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(), SILENCE_MS);
  }

  private close(): void {
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    this.source?.close();
    this.source = null;
  }
}
