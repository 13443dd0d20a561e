import type { Client } from "../shared/client";
import App from "./App.vue";
import { routes } from "./routes";
import zh from "./zh";

/** The official's desk. */
export const client: Client = {
  base: "/desk",
  root: App,
  routes,
  signsIn: true,
  words: { zh, hant: () => import("./zh?hant"), en: () => import("./en") },
};
