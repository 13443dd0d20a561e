// Words in three languages: simplified Chinese first, English beside it, traditional Chinese made
// from the simplified in the build (`?hant`). A client hands over its own; the common ones are here.

import { computed, type App } from "vue";
import { createI18n } from "vue-i18n";
import common from "./words/zh";

/** Words by key, in groups. */
export interface Words {
  [key: string]: string | Words;
}

/** Of another language: the same keys, not one more or less. */
export type SameWords<Of> = { [Key in keyof Of]: Of[Key] extends string ? string : SameWords<Of[Key]> };

export const LOCALES = ["zh-Hans", "zh-Hant", "en"] as const;
export type Locale = (typeof LOCALES)[number];

type File = Promise<{ default: Words }>;
type Loading = () => File;

/** A client's words: simplified Chinese comes with it, the others when chosen. */
export interface ClientWords {
  zh: Words;
  hant: Loading;
  en: Loading;
}

/** Words of several files as if they were of one. */
export async function together(...files: File[]): File {
  const found = await Promise.all(files);
  return { default: Object.assign({}, ...found.map((each) => each.default)) as Words };
}

const KEPT_AS = "citybrain-language";
const i18n = createI18n({
  legacy: false,
  locale: "zh-Hans",
  fallbackLocale: "zh-Hans",
  messages: { "zh-Hans": common as Words } as Record<string, Words>,
});
const loaded = new Set<Locale>(["zh-Hans"]);
let toTraditional: ((text: string) => string) | null = null;
let client: ClientWords | null = null;

/** The language of the page. */
export const locale = computed<Locale>(() => i18n.global.locale.value as Locale);

/** `t("key", {n: 3})`, outside of components, too. */
export const t: (key: string, named?: Record<string, unknown>) => string = (key, named) =>
  i18n.global.t(key, named ?? {});

/** Whether there are words for a key: codes of the server may be newer than the page. */
export const known = (key: string): boolean => i18n.global.te(key, "zh-Hans");

/** A text of the city's (a name, a reason; never what people typed) as the page's language writes it. */
export function fromCity(text: string): string {
  return locale.value === "zh-Hant" && toTraditional !== null ? toTraditional(text) : text;
}

/** What the city names, in the page's language; Chinese where it has no English name. */
export const inWords = (chinese: string, english?: string | null): string =>
  locale.value === "en" ? (english ?? chinese) : fromCity(chinese);

/** Put a client's words to work, in the language chosen before, or the browser's. */
export async function useWords(app: App, words: ClientWords): Promise<void> {
  client = words;
  i18n.global.mergeLocaleMessage("zh-Hans", words.zh);
  app.use(i18n);
  await speak(chosen());
}

/** Change the page's language, and remember it on this device. */
export async function speak(next: Locale): Promise<void> {
  if (client !== null && !loaded.has(next)) {
    const parts = await (next === "en"
      ? Promise.all([import("./words/en"), client.en()])
      : Promise.all([import("./words/zh?hant"), client.hant()]));
    if (next === "zh-Hant") toTraditional = (await import("./hant")).traditional;
    for (const part of parts) i18n.global.mergeLocaleMessage(next, part.default);
    loaded.add(next);
  }
  i18n.global.locale.value = next;
  document.documentElement.lang = next;
  localStorage.setItem(KEPT_AS, next);
}

function chosen(): Locale {
  const kept = localStorage.getItem(KEPT_AS);
  const found = LOCALES.find((each) => each === kept);
  if (found !== undefined) return found;
  const wanted = navigator.language;
  if (/^zh(-Hant|-TW|-HK|-MO)/i.test(wanted)) return "zh-Hant";
  return /^en/i.test(wanted) ? "en" : "zh-Hans";
}
