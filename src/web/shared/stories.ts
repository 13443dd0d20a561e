// Stories: each screen of a client in each of its states, with answers of their own in place of the
// server. Served in development at /stories/CLIENT/NAME?lang=en&k=1.5&theme=dark; the tests walk
// over all of them.

import { createApp, defineComponent, h, nextTick } from "vue";
import type { Client } from "./client";
import { start } from "./client";
import { standAt } from "./clock";
import { LOCALES, speak, type Locale } from "./i18n";
import type { Notice, Person } from "./session";
import { useSession } from "./session";
import { replaceTransport } from "./transport";

/** An answer with more than a body. */
export class Reply {
  constructor(
    readonly status: number,
    readonly body: unknown,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {}
}

/** A problem as the API would say it. */
export function refusal(status: number, code: string, title = "", more: object = {}): Reply {
  const correlation_id = "4f1c09ab-0000-4000-8000-000000000000";
  return new Reply(status, { code, title, status, correlation_id, ...more }, { "Content-Type": "application/problem+json" });
}

/** Server-sent events; the stream stays open after them. */
export class Events {
  constructor(readonly messages: readonly { event?: string; id?: string; data: unknown }[]) {}
}

/** Never answers: the view is loading. */
export const PENDING = Symbol("pending");
/** No network. */
export const AWAY = Symbol("away");

export interface Story {
  /** In the address: `referred`, `queue-empty`. */
  name: string;
  /** Within the client: `/applications/1`. */
  path: string;
  /** Who is signed in; nobody where absent. */
  as?: Person;
  /** Why nobody is signed in, where the page says so. */
  notice?: Notice;
  /**
   * By `METHOD /path`, with its query where that says which; a `*` at the end stands for any rest.
   * Else JSON, 200.
   */
  answers?: Readonly<Record<string, unknown>>;
  /** Where the clock stands: RFC 3339. */
  at?: string;
  /** What somebody does then: clicks, types. */
  act?: (page: HTMLElement) => Promise<void> | void;
}

declare global {
  interface Window {
    /** How long a member of answers can be at most, by its name: what a test puts here stands in for what stories say. */
    longest?: Readonly<Record<string, string | number>>;
  }
}

const AT = "2026-11-25T10:30:00+08:00";
let open = 0;

/** Show the story that the address names, or the list of all. */
export async function tell(client: Client, stories: readonly Story[]): Promise<void> {
  const name = location.pathname.split("/")[3];
  const story = stories.find((each) => each.name === name);
  if (story === undefined) {
    list(stories);
    return;
  }
  const asked = new URLSearchParams(location.search);
  standAt(story.at ?? AT);
  replaceTransport((request) => answer(request, story.answers ?? {}));
  document.documentElement.dataset["theme"] = asked.get("theme") ?? "";
  const { app, router } = await start(client, story.path);
  await speak(LOCALES.find((each) => each.startsWith(asked.get("lang") ?? "zh-Hans")) ?? "zh-Hans");
  if (asked.has("k")) document.documentElement.style.setProperty("--k", asked.get("k"));
  useSession().pretend(story.as ?? null);
  useSession().notice = story.notice ?? null;
  await router.push(story.path);
  app.use(router);
  await router.isReady();
  app.mount("#app");
  await quiet();
  await story.act?.(document.body);
  await quiet();
  addEventListener("speak", (event) => void speak((event as CustomEvent<Locale>).detail));
  document.documentElement.dataset["ready"] = "true";
}

/** Until nothing is being answered any more, and what came is drawn. */
export async function quiet(): Promise<void> {
  let still = 0;
  while (still < 3) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    await nextTick();
    still = open === 0 ? still + 1 : 0;
  }
}

function list(stories: readonly Story[]): void {
  const links = stories.map(({ name }) =>
    h("li", h("a", { href: `${location.pathname.replace(/\/?$/, "/")}${name}` }, name)),
  );
  createApp(defineComponent(() => () => h("main", [h("h1", document.title), h("ul", links)]))).mount("#app");
  document.documentElement.dataset["ready"] = "true";
}

async function answer(request: Request, answers: Readonly<Record<string, unknown>>): Promise<Response> {
  open += 1;
  try {
    const { pathname, search } = new URL(request.url);
    const whole = `${request.method} ${pathname}${search}`;
    const found = whole in answers ? answers[whole] : find(`${request.method} ${pathname}`, answers);
    if (found === AWAY) throw new TypeError("no network");
    if (found === PENDING) {
      open -= 1;
      await new Promise(() => undefined);
    }
    if (found instanceof Events) return streamed(found);
    if (found instanceof Reply) {
      const body = found.body === null ? null : written(found.body);
      return new Response(body, { status: found.status, headers: { "Content-Type": "application/json", ...found.headers } });
    }
    return new Response(written(found), { headers: { "Content-Type": "application/json", ETag: '"1"' } });
  } finally {
    open -= 1;
  }
}

function find(asked: string, answers: Readonly<Record<string, unknown>>): unknown {
  if (asked in answers) return answers[asked];
  const rest = Object.keys(answers).find((key) => key.endsWith("*") && asked.startsWith(key.slice(0, -1)));
  if (rest !== undefined) return answers[rest];
  console.error(`the story has no answer to ${asked}`);
  return refusal(404, "not-found");
}

/** As JSON; with the longest texts where a test says so. */
function written(value: unknown): string {
  const { longest } = window;
  if (longest === undefined) return JSON.stringify(value);
  return JSON.stringify(value, (member, each: unknown) => {
    const other = longest[member];
    return typeof other === typeof each ? other : each;
  });
}

function streamed(events: Events): Response {
  const text = events.messages.map(({ event, id, data }) =>
    [event && `event: ${event}`, id && `id: ${id}`, `data: ${written(data)}`].filter(Boolean).join("\n"),
  );
  const body = new ReadableStream({
    start(controller) {
      for (const each of text) controller.enqueue(new TextEncoder().encode(`${each}\n\n`));
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}
