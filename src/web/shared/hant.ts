// Names that the API brings, in traditional characters: by the table that the build makes of what comes
// along, loaded with that language only. What people typed is never converted.

import { pairs, runs } from "virtual:hant-names";

const CHINESE = /[\u4e00-\u9fff]+/g;
const characters = new Map<string, string>();
for (let at = 0; at < pairs.length; at += 2) characters.set(pairs[at] ?? "", pairs[at + 1] ?? "");

/** The same text in traditional characters. */
export function traditional(text: string): string {
  return text.replace(CHINESE, (run) => runs[run] ?? [...run].map((each) => characters.get(each) ?? each).join(""));
}
