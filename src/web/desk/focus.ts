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
