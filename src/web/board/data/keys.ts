// What keys mean on the board. Single keys can be switched off (WCAG 2.1.4).

export const PAGES = ["overview", "applications", "parking", "signals", "inspection", "system"] as const;
export type Page = (typeof PAGES)[number];

export const pathOf = (page: Page): string => (page === "overview" ? "/" : `/${page}`);

export type Meaning =
  | { kind: "page"; path: string }
  | { kind: "tables" }
  | { kind: "play" }
  | { kind: "help" }
  | { kind: "close" };

/** The part of a key's event that is needed. */
export interface Pressed {
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  target: EventTarget | null;
}

const TYPED = new Set(["INPUT", "TEXTAREA", "SELECT"]);

/** `null`: nothing; also where somebody types, holds a modifier, or switched single keys off. */
export function meaningOf(pressed: Pressed, single: boolean): Meaning | null {
  if (pressed.ctrlKey || pressed.altKey || pressed.metaKey) return null;
  if (pressed.key === "Escape") return { kind: "close" };
  const target = pressed.target as { tagName?: string } | null;
  if (!single || TYPED.has(target?.tagName ?? "")) return null;
  const page = PAGES[Number(pressed.key) - 1];
  if (page !== undefined) return { kind: "page", path: pathOf(page) };
  if (pressed.key === "t" || pressed.key === "T") return { kind: "tables" };
  if (pressed.key === "p" || pressed.key === "P") return { kind: "play" };
  return pressed.key === "?" ? { kind: "help" } : null;
}
