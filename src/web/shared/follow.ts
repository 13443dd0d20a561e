// Server-sent events over `fetch`: `EventSource` cannot send a bearer token.
// https://html.spec.whatwg.org/multipage/server-sent-events.html

import { createParser, type EventSourceMessage } from "eventsource-parser";
import { locale } from "./i18n";
import { noNetwork, Problem, problemIn } from "./problems";
import { useSession } from "./session";
import { send } from "./transport";

export interface Following {
  /** Each message, in its order; one may come again after a reconnection. */
  onMessage: (message: EventSourceMessage) => void;
  /** `live` with the first bytes, `away` when the connection is lost: it is being tried again. */
  onState?: (state: "live" | "away", problem: Problem | null) => void;
  /** Ends it. */
  signal: AbortSignal;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/**
 * Follow a stream until `signal` or until the server refuses it for good (a problem that does not
 * pass, which is thrown). Returns when the server ends the stream with 204, or by `signal`.
 */
export async function follow(path: string, following: Following): Promise<void> {
  let lastId: string | null = null;
  let wait = FIRST_WAIT_MS;
  while (!following.signal.aborted) {
    let problem: Problem | null = null;
    try {
      const response = await open(path, lastId, following.signal);
      if (response.status === 204) return;
      if (!response.ok) throw problemIn(response, await response.json().catch(() => null));
      following.onState?.("live", null);
      wait = FIRST_WAIT_MS;
      lastId = await read(response, following, lastId, (ms) => (wait = ms));
    } catch (error) {
      if (following.signal.aborted) return;
      problem = error instanceof Problem ? error : noNetwork();
      if (!problem.passes) throw problem;
    }
    if (following.signal.aborted) return;
    following.onState?.("away", problem);
    await pause(wait * (0.5 + Math.random() / 2), following.signal);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

async function open(path: string, lastId: string | null, signal: AbortSignal): Promise<Response> {
  const headers = new Headers({ Accept: "text/event-stream", "Accept-Language": locale.value });
  const token = await useSession().bearer();
  if (token !== null) headers.set("Authorization", `Bearer ${token}`);
  if (lastId !== null) headers.set("Last-Event-ID", lastId);
  return send(new Request(new URL(path, location.origin), { headers, signal }));
}

async function read(
  response: Response,
  following: Following,
  lastId: string | null,
  onRetry: (ms: number) => void,
): Promise<string | null> {
  const parser = createParser({
    onEvent(message) {
      if (message.id !== undefined) lastId = message.id;
      following.onMessage(message);
    },
    onRetry,
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const part = await reader?.read();
      if (part === undefined || part.done) return lastId;
      parser.feed(part.value);
    }
  } catch {
    return lastId; // the connection broke: what was read stays read
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
