// Prompts that are spoken, in the page's language. A browser without a voice stays silent.

import { locale } from "../../shared/i18n";

const SLOWER = 0.9;

/** Say it, instead of what is being said. */
export function say(text: string): void {
  const voices = globalThis.speechSynthesis;
  if (voices === undefined || typeof SpeechSynthesisUtterance === "undefined") return;
  voices.cancel();
  const words = new SpeechSynthesisUtterance(text);
  words.lang = locale.value === "en" ? "en" : "zh-CN";
  words.rate = SLOWER;
  voices.speak(words);
}

/** Be silent. */
export function hush(): void {
  globalThis.speechSynthesis?.cancel();
}
