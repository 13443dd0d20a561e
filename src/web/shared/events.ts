// What each event and each kind of stream is called, for whoever reads the log: one list a language.

import { known, t, type ClientWords } from "./i18n";
import zh from "./words/events_zh.json";

export const eventWords: ClientWords = {
  zh,
  hant: () => import("./words/events_zh.json?hant"),
  en: () => import("./words/events_en.json"),
};

/** The kinds of streams, as their ids begin. */
export const CATEGORIES: readonly string[] = Object.keys(zh.category);

/** What happened, in a word; the topic itself where this page is older than the event. */
export function eventName(topic: string): string {
  return known(`topic.${topic}`) ? t(`topic.${topic}`) : topic;
}

/** What a stream is of; what its id begins with where this page is older than it. */
export function categoryName(category: string): string {
  return known(`category.${category}`) ? t(`category.${category}`) : category;
}
