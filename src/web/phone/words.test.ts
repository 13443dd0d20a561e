import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import common from "../shared/words/zh";
import zh from "./zh";

type Words = { [key: string]: string | Words };

function has(words: Words, key: string): boolean {
  const found = key.split(".").reduce<string | Words | undefined>((at, name) => (typeof at === "object" ? at[name] : undefined), words);
  return typeof found === "string";
}

it("has a word for everything that the screens say", () => {
  const words: Words = { ...common, ...zh };
  const missing: string[] = [];
  for (const folder of ["screens", "components", "state", "face"]) {
    for (const name of readdirSync(join(import.meta.dirname, folder))) {
      const text = readFileSync(join(import.meta.dirname, folder, name), "utf8");
      for (const [, key] of text.matchAll(/\bt\(\s*"([\w-]+\.[\w.-]+)"/g)) if (key !== undefined && !has(words, key)) missing.push(`${name}: ${key}`);
    }
  }
  expect(missing).toEqual([]);
});
