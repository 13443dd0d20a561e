// How each client starts, in the city and in its stories.

import { createPinia } from "pinia";
import { createApp, type App, type Component } from "vue";
import {
  createMemoryHistory,
  createRouter,
  createWebHistory,
  type RouteRecordRaw,
  type Router,
} from "vue-router";
import { useWords, type ClientWords } from "./i18n";
import "./tokens.css";
import "./base.css";

/** What a client consists of. */
export interface Client {
  /** Where it is served: `/m`. */
  base: string;
  root: Component;
  routes: RouteRecordRaw[];
  words: ClientWords;
}

export interface Running {
  app: App;
  router: Router;
}

/** Mount a client in `#app`; `at` is the path that a story stands at. */
export async function start(client: Client, at?: string): Promise<Running> {
  const app = createApp(client.root);
  app.use(createPinia());
  const history = at === undefined ? createWebHistory(client.base) : createMemoryHistory(client.base);
  const router = createRouter({ history, routes: client.routes });
  await useWords(app, client.words);
  return { app, router };
}

/** Start a client at the window's address. */
export async function run(client: Client): Promise<void> {
  const { app, router } = await start(client);
  app.use(router);
  await router.isReady();
  app.mount("#app");
}
