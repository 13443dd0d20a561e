// Whether anything on the page is made up: the header says so.

import { onBeforeUnmount, ref, watchEffect } from "vue";

export const simulated = ref(false);

/** Say it as long as the calling component is there. */
export function showSimulated(any: () => boolean): void {
  watchEffect(() => (simulated.value = any()));
  onBeforeUnmount(() => (simulated.value = false));
}
