// The citizen's text size: one factor for everything, remembered on this device.

import { computed, ref } from "vue";

export const SIZES = [1, 1.24, 1.5] as const;
export type Size = (typeof SIZES)[number];

const KEPT_AS = "citybrain-text-size";
const size = ref<number>(1);

/** The factor. */
export const textSize = computed(() => size.value);

/** 长辈版: prompts are spoken, the start page shows less at once. */
export const isElder = computed(() => size.value > 1);

/** Take the size that the page has, or the one chosen before. */
export function adoptTextSize(): void {
  const given = Number(document.documentElement.style.getPropertyValue("--k"));
  const kept = SIZES.find((each) => String(each) === localStorage.getItem(KEPT_AS));
  apply(given || kept || 1);
}

/** Choose another. */
export function chooseTextSize(next: Size): void {
  localStorage.setItem(KEPT_AS, String(next));
  apply(next);
}

/** For stories: each begins with the standard. */
export function forgetTextSize(): void {
  localStorage.removeItem(KEPT_AS);
}

function apply(next: number): void {
  size.value = next;
  document.documentElement.style.setProperty("--k", String(next));
}
