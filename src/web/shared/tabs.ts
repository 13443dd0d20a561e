// What the tabs of one browser tell each other about signing in. Never a token.

export type Told =
  /** A window that was opened to sign in has come back; the query has the code. */
  | { kind: "came-back"; state: string; query: string }
  /** Whoever waited for it has it. */
  | { kind: "taken"; state: string }
  /** Somebody signed out, everywhere. */
  | { kind: "signed-out"; subject: string };

const NAME = "citybrain-session";
let channel: BroadcastChannel | null = null;

/** Tell the other tabs. */
export function tell(what: Told): void {
  opened().postMessage(what);
}

/** Hear what others tell until `signal` ends. */
export function hear(heard: (what: Told) => void, signal?: AbortSignal): void {
  const listener = ({ data }: MessageEvent<Told>): void => heard(data);
  opened().addEventListener("message", listener, signal === undefined ? {} : { signal });
}

/** The first that `wanted` takes; null after `ms`. */
export function heardOf(wanted: (what: Told) => boolean, ms: number): Promise<Told | null> {
  return new Promise((resolve) => {
    const ending = new AbortController();
    const timer = setTimeout(() => done(null), ms);
    const done = (what: Told | null): void => {
      clearTimeout(timer);
      ending.abort();
      resolve(what);
    };
    hear((what) => wanted(what) && done(what), ending.signal);
  });
}

function opened(): BroadcastChannel {
  return (channel ??= new BroadcastChannel(NAME));
}
