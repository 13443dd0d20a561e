import type { Client } from "../shared/client";
import App from "./App.vue";
import records from "./records_zh";
import { routes } from "./routes";
import zh from "./zh";

/** The auditor's window. */
export const client: Client = {
  base: "/audit",
  root: App,
  routes,
  signsIn: true,
  words: {
    zh: { ...zh, ...records },
    hant: () => both(import("./zh?hant"), import("./records_zh?hant")),
    en: () => both(import("./en"), import("./records_en")),
  },
};

type Part<Words> = Promise<{ default: Words }>;

async function both<One, Other>(one: Part<One>, other: Part<Other>): Promise<{ default: One & Other }> {
  return { default: { ...(await one).default, ...(await other).default } };
}
