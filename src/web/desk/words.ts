// The desk's words: a file a part, put together in each language.

import { eventWords } from "../shared/events";
import { together, type ClientWords } from "../shared/i18n";
import zh from "./zh";
import zhOffice from "./zh_office";
import zhCases from "./zh_cases";
import zhSignals from "./zh_signals";

export const words: ClientWords = {
  zh: { ...zh, ...zhCases, ...zhOffice, ...zhSignals, ...eventWords.zh },
  hant: () => together(import("./zh?hant"), import("./zh_cases?hant"), import("./zh_office?hant"), import("./zh_signals?hant"), eventWords.hant()),
  en: () => together(import("./en"), import("./en_cases"), import("./en_office"), import("./en_signals"), eventWords.en()),
};
