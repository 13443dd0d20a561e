// The contrast of what is written, for people who see all colours, lack one kind of cone, or see none.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

type Colour = readonly [number, number, number]; // linear light, 0 to 1

/** Machado, Oliveira and Fernandes 2009, severity 1; of grey: WCAG's own luminance. */
const SEEN: Readonly<Record<string, readonly (readonly number[])[]>> = {
  "all colours": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
  grey: Array.from({ length: 3 }, () => [0.2126, 0.7152, 0.0722]),
};
const TEXT = 4.5; // WCAG 2.2, 1.4.3
const SHAPE = 3; // 1.4.11
const GROUNDS = ["ground", "surface", "sunk"];
const WRITTEN = ["ink", "ink-2", "muted", "accent", "good", "warn", "bad"];
const pairs: [string, string, number][] = [
  ...WRITTEN.flatMap((role) => GROUNDS.map((on): [string, string, number] => [role, on, TEXT])),
  ...["accent", "good", "warn", "bad"].map((role): [string, string, number] => [role, `${role}-soft`, TEXT]),
  ["on-accent", "accent", TEXT],
  ["control", "surface", SHAPE],
  ["focus", "ground", SHAPE],
  ["focus", "surface", SHAPE],
  ["ramp-5", "ground", SHAPE],
];

const css = readFileSync(join(import.meta.dirname, "tokens.css"), "utf8");
const themes = { light: tokensOf(/\[data-theme=light\]\{([^}]*)\}/), dark: tokensOf(/\[data-theme=dark\]\{([^}]*)\}/) };

function tokensOf(block: RegExp): Map<string, Colour> {
  const inside = block.exec(css)?.[1] ?? "";
  return new Map([...inside.matchAll(/--([\w-]+):#([0-9a-f]{3}|[0-9a-f]{6})(?=[;}]|$)/g)].map(([, name = "", hex = ""]) => [name, linear(hex)]));
}

function linear(hex: string): Colour {
  const whole = hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex;
  const [red, green, blue] = [0, 2, 4].map((at) => {
    const value = parseInt(whole.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return [red ?? 0, green ?? 0, blue ?? 0];
}

function luminance(colour: Colour, by: readonly (readonly number[])[]): number {
  const [red = 0, green = 0, blue = 0] = by.map((row) => Math.min(1, Math.max(0, row.reduce((sum, weight, place) => sum + weight * (colour[place] ?? 0), 0))));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Colour, other: Colour, by: readonly (readonly number[])[]): number {
  const [dark = 0, light = 0] = [luminance(one, by), luminance(other, by)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe.each(Object.entries(themes))("the %s theme", (_, tokens) => {
  it.each(Object.keys(SEEN))("can be read with %s", (eyes) => {
    const faint = pairs
      .map(([role, on, least]) => ({ role, on, least, has: contrast(tokens.get(role)!, tokens.get(on)!, SEEN[eyes]!) }))
      .filter(({ least, has }) => has < least);
    expect(faint).toEqual([]);
  });
});
