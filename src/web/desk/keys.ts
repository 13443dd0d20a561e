// The desk's keys. A single key never sends anything: it moves, opens or chooses. Keys of one letter
// can be switched off (WCAG 2.1.4), and do nothing while somebody types.

import { onBeforeUnmount, onMounted, ref } from "vue";

export type Actions = Readonly<Partial<Record<string, () => void>>>;

/** Sends what was decided: works while typing, too. */
export const SEND = "Ctrl+Enter";
const KEPT_AS = "citybrain-single-keys";
const TYPED = new Set(["text", "search", "number", "password", "date", "time", "datetime-local", "email", "tel", "url"]);

/** Whether keys of one letter do something. */
export const singleKeys = ref(localStorage.getItem(KEPT_AS) !== "off");

/** Switch them on or off, on this device. */
export function useSingleKeys(on: boolean): void {
  singleKeys.value = on;
  localStorage.setItem(KEPT_AS, on ? "on" : "off");
}

/** Do this at these keys (`j`, `/`, `?`, `Ctrl+Enter`) as long as the component is there. */
export function useKeys(actions: Actions): void {
  const pressed = (event: KeyboardEvent): void => {
    const action = actionOf(event, actions);
    if (action === undefined) return;
    event.preventDefault();
    action();
  };
  onMounted(() => addEventListener("keydown", pressed));
  onBeforeUnmount(() => removeEventListener("keydown", pressed));
}

function actionOf(event: KeyboardEvent, actions: Actions): (() => void) | undefined {
  if (event.defaultPrevented || event.isComposing || event.repeat) return undefined;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return actions[SEND];
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  if (isTyped(event.target) || document.querySelector("dialog[open]") !== null) return undefined;
  return singleKeys.value ? actions[event.key.toLowerCase()] : undefined;
}

function isTyped(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return TYPED.has(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
