import type { Client } from "../shared/client";
import App from "./App.vue";
import { routes } from "./routes";
import zh from "./zh";

/** The auditor's window. */
export const client: Client = {
  base: "/audit",
  root: App,
  routes,
  signsIn: true,
  words: { zh, hant: () => import("./zh?hant"), en: () => import("./en") },
};
