// Where the keyboard goes on when what it was on is gone.

import { nextTick, watch } from "vue";

/** Focus the first that is there, once it is drawn. */
export async function focusOn(...selectors: string[]): Promise<void> {
  await nextTick();
  for (const selector of selectors) {
    const found = document.querySelector<HTMLElement>(selector);
    if (found === null) continue;
    found.focus();
    return;
  }
}

/** What was open is settled and leaves its list, with what had the focus in it: that goes to the page's middle. */
export function keepFocus(opened: () => object | null | undefined): void {
  const gone = (): boolean => document.activeElement === null || document.activeElement === document.body;
  watch(opened, (is, was) => { if (!is && was && gone()) void focusOn(".work"); }, { flush: "post" });
}

/** Whoever comes from another page of the desk to something certain goes on at what it is called. */
export function focusOnComing(id: string | null, opened: () => object | null | undefined): void {
  const before = (history.state as { back?: string | null } | null)?.back ?? null;
  if (id === null || before === null) return;
  const stop = watch(opened, (is) => { if (is) { stop(); void focusOn(".work h1", ".decision h1"); } }, { flush: "post" });
}
