// Makes the board's font in the build: of Noto Sans SC (SIL Open Font License) exactly the characters
// that its words and the definitions' names have, weights 400 to 700. What a city writes beside those
// is drawn in the system's font. `node board/font.mjs` writes `board/font/`.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as OpenCC from "opencc-js/cn2t";
import subsetFont from "subset-font";

const here = import.meta.dirname;
const source = join(here, "..", "node_modules", "@fontsource-variable", "noto-sans-sc");
const target = join(here, "font");
const cities = join(here, "..", "..", "citybrain", "definitions", "city");
const NAMED = /^\s*-?\s*\{?.*\b(?:name|title|label)\b.*$/gm;
const ALWAYS = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]_abcdefghijklmnopqrstuvwxyz{|}~−–—·…°≥≤×≈↔←→　，。：；、（）「」？！％";

/** Every character that the board may write. */
async function characters() {
  const words = ["zh.ts", "en.ts", "../shared/words/zh.ts", "../shared/words/en.ts"].map((name) => join(here, name));
  const texts = await Promise.all(words.map((path) => readFile(path, "utf8")));
  for (const name of await readdir(cities, { recursive: true })) {
    if (!name.endsWith(".yaml")) continue;
    texts.push(...((await readFile(join(cities, name), "utf8")).match(NAMED) ?? []));
  }
  const simplified = texts.join("");
  const traditional = OpenCC.Converter({ from: "cn", to: "tw" })(simplified);
  return new Set([...ALWAYS, ...simplified, ...traditional].filter((each) => each >= " "));
}

/** Whether a list of `U+…` ranges has a character. */
function rangesOf(list) {
  const ranges = list.split(",").map((range) => {
    const [from, to = from] = range.replace("U+", "").split("-").map((hex) => parseInt(hex, 16));
    return [from, to];
  });
  return (character) => ranges.some(([from, to]) => character.codePointAt(0) >= from && character.codePointAt(0) <= to);
}

const unicodeRange = (found) => found.map((each) => `U+${each.codePointAt(0).toString(16)}`).join(",");

async function make(wanted) {
  const slices = JSON.parse(await readFile(join(source, "unicode.json"), "utf8"));
  const faces = [];
  for (const [slice, list] of Object.entries(slices)) {
    const has = rangesOf(list);
    const found = [...wanted].filter(has).sort();
    if (found.length === 0) continue;
    const name = slice.replace(/[[\]]/g, "");
    const font = await readFile(join(source, "files", `noto-sans-sc-${name}-wght-normal.woff2`));
    const options = { targetFormat: "woff2", variationAxes: { wght: { min: 400, max: 700 } } };
    await writeFile(join(target, `noto-${name}.woff2`), await subsetFont(font, found.join(""), options));
    for (const each of found) wanted.delete(each);
    faces.push(
      `@font-face { font-family: "Noto Sans SC Variable"; font-display: swap; font-weight: 400 700;` +
        ` src: url("./noto-${name}.woff2") format("woff2"); unicode-range: ${unicodeRange(found)}; }`,
    );
  }
  return faces;
}

const wanted = await characters();
const digest = `/* ${createHash("sha256").update([...wanted].sort().join("")).digest("hex")} */`;
const style = join(target, "font.css");
if (!existsSync(style) || !(await readFile(style, "utf8")).startsWith(digest)) {
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  const faces = await make(wanted);
  await copyFile(join(source, "LICENSE"), join(target, "LICENSE"));
  await writeFile(style, `${digest}\n${faces.join("\n")}\n`);
}
