import type { Client } from "../shared/client";
import { eventWords } from "../shared/events";
import { together } from "../shared/i18n";
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
    zh: { ...zh, ...records, ...eventWords.zh },
    hant: () => together(import("./zh?hant"), import("./records_zh?hant"), eventWords.hant()),
    en: () => together(import("./en"), import("./records_en"), eventWords.en()),
  },
};
