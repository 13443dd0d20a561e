// Keeps the phone's pages for a day, so that they open without a network: the first page, its files,
// and what is the same for everybody (services, classes, notices). Never an answer about a person:
// what is not named here goes to the network and is kept nowhere.

/// <reference lib="webworker" />

export {};
declare const self: ServiceWorkerGlobalScope;

const FILES = "citybrain-phone-files";
const SHARED = "citybrain-phone-shared";
const START = "/m/";
const LIST = "/m/files.json";
const KEPT_AT = "X-Kept-At";
const DAY_MS = 86_400_000;
const NOBODYS = /^\/v1\/(services|classes|departments|agreements)(\/[\w-]+)?$/;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && url.pathname.startsWith(START)) event.respondWith(page(event));
  else if (url.pathname.startsWith("/static/")) event.respondWith(file(request));
  else if (NOBODYS.test(url.pathname)) event.respondWith(shared(request, url));
});

async function install(): Promise<void> {
  await renew();
  await keep(START, await fetch(START, { cache: "no-store" }));
  await self.skipWaiting();
}

/** All files of the newest build, and none of an older one. */
async function renew(): Promise<void> {
  const names = (await (await fetch(LIST, { cache: "no-store" })).json()) as string[];
  const files = await caches.open(FILES);
  const had = (await files.keys()).map(({ url }) => new URL(url).pathname);
  await files.addAll(names.filter((name) => !had.includes(name)));
  await Promise.all(had.filter((name) => !names.includes(name)).map((name) => files.delete(name)));
}

/** The page as it is now; without a network as it was, for a day. */
async function page(event: FetchEvent): Promise<Response> {
  try {
    const answer = await fetch(event.request);
    if (answer.ok) event.waitUntil(Promise.all([keep(START, answer.clone()), renew()]).catch(() => undefined));
    return answer;
  } catch (error) {
    const kept = await keptFor(START);
    if (kept === null) throw error;
    return kept;
  }
}

/** A file has a digest in its name: it is the same for ever. */
async function file(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: FILES })) ?? fetch(request);
}

/** What is the same for everybody, by language. */
async function shared(request: Request, url: URL): Promise<Response> {
  const key = `${url.pathname}?${request.headers.get("Accept-Language") ?? ""}`;
  try {
    const answer = await fetch(request);
    if (answer.ok) await keep(key, answer.clone());
    return answer;
  } catch (error) {
    const kept = await keptFor(key);
    if (kept === null) throw error;
    return kept;
  }
}

async function keep(key: string, answer: Response): Promise<void> {
  if (!answer.ok) return;
  const headers = new Headers(answer.headers);
  headers.set(KEPT_AT, String(Date.now()));
  const cache = await caches.open(SHARED);
  await cache.put(key, new Response(await answer.blob(), { headers }));
}

async function keptFor(key: string): Promise<Response | null> {
  const found = await caches.match(key, { cacheName: SHARED });
  if (found === undefined) return null;
  return Date.now() - Number(found.headers.get(KEPT_AT)) < DAY_MS ? found : null;
}
