import { mount } from "@vue/test-utils";
import { afterEach, expect, test } from "vitest";
import { defineComponent, h } from "vue";
import { SEND, useKeys, useSingleKeys } from "./keys";

afterEach(() => useSingleKeys(true));

const page = (done: string[]): ReturnType<typeof mount> =>
  mount(
    defineComponent({
      setup() {
        useKeys({ a: () => done.push("a"), [SEND]: () => done.push("sent") });
        return () => h("div", [h("textarea"), h("input", { type: "radio" })]);
      },
    }),
    { attachTo: document.body },
  );

function press(key: string, target: Element = document.body, more: KeyboardEventInit = {}): void {
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
}

test("a single key chooses, does nothing while somebody types, and can be switched off", () => {
  const done: string[] = [];
  const shown = page(done);
  press("a");
  press("A", shown.get("input").element);
  press("a", shown.get("textarea").element);
  press("a", document.body, { ctrlKey: true });
  useSingleKeys(false);
  press("a");
  expect(done).toEqual(["a", "a"]);
  shown.unmount();
  useSingleKeys(true);
  press("a");
  expect(done).toEqual(["a", "a"]);
});

test("only Ctrl and Enter send, while typing too", () => {
  const done: string[] = [];
  const shown = page(done);
  press("Enter");
  press("Enter", shown.get("textarea").element);
  expect(done).toEqual([]);
  press("Enter", shown.get("textarea").element, { ctrlKey: true });
  press("Enter", shown.get("textarea").element, { ctrlKey: true, repeat: true });
  expect(done).toEqual(["sent"]);
  shown.unmount();
});
