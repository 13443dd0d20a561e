import type { Client } from "../shared/client";
import App from "./App.vue";
import { routes } from "./routes";
import zh from "./zh";
import "./phone.css";

/** City services. */
export const client: Client = {
  base: "/m",
  root: App,
  routes,
  words: { zh, hant: () => import("./hant"), en: () => import("./en") },
};
