import type { Client } from "../shared/client";
import App from "./App.vue";
import "./desk.css";
import { routes } from "./routes";
import { words } from "./words";

/** The official's desk. */
export const client: Client = {
  base: "/desk",
  root: App,
  routes,
  signsIn: true,
  words,
};
