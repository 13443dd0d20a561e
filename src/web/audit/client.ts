import type { Client } from "../shared/client";
import { together } from "../shared/i18n";
import App from "./App.vue";
import records from "./records_zh";
import { routes } from "./routes";
import topics from "./topics_zh";
import zh from "./zh";

/** The auditor's window. */
export const client: Client = {
  base: "/audit",
  root: App,
  routes,
  signsIn: true,
  words: {
    zh: { ...zh, ...records, ...topics },
    hant: () => together(import("./zh?hant"), import("./records_zh?hant"), import("./topics_zh?hant")),
    en: () => together(import("./en"), import("./records_en"), import("./topics_en")),
  },
};
