// How each client starts, in the city and in its stories.

import { createPinia } from "pinia";
import { createApp, h, type App, type Component, type VNode } from "vue";
import {
  createMemoryHistory,
  createRouter,
  createWebHistory,
  type RouteRecordRaw,
  type Router,
} from "vue-router";
import { arrive } from "./arriving";
import SessionEnded from "./components/SessionEnded.vue";
import { useWords, type ClientWords } from "./i18n";
import { useSession } from "./session";
import "./tokens.css";
import "./base.css";

/** What a client consists of. */
export interface Client {
  /** Where it is served: `/m`. */
  base: string;
  root: Component;
  routes: RouteRecordRaw[];
  words: ClientWords;
  /** Nobody sees it without signing in. */
  signsIn?: true;
}

export interface Running {
  app: App;
  router: Router;
}

/** Mount a client in `#app`; `at` is the path that a story stands at. */
export async function start(client: Client, at?: string): Promise<Running> {
  const app = createApp(() => shown(client));
  app.use(createPinia());
  const history = at === undefined ? createWebHistory(client.base) : createMemoryHistory(client.base);
  const router = createRouter({ history, routes: client.routes });
  await useWords(app, client.words);
  return { app, router };
}

/** The client, and over it why nobody is signed in, where that is to be said. */
function shown(client: Client): VNode[] {
  const { notice } = useSession();
  const alone = notice === "left" || notice === "handed" || (notice === "failed" && client.signsIn === true);
  const over = h(SessionEnded, { signsIn: client.signsIn === true });
  return alone ? [over] : [h(client.root), over];
}

/** Start a client at the window's address, or where somebody was before they signed in. */
export async function run(client: Client): Promise<void> {
  const { app, router } = await start(client);
  const path = await arrive(client.base, client.signsIn === true);
  if (path === null && useSession().notice === null) return;
  await router.replace(path ?? "/");
  app.use(router);
  await router.isReady();
  app.mount("#app");
}
