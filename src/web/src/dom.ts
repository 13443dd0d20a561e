// Small helpers to build and find elements. Text is only ever set as text, never as HTML.

export type Child = Node | string | null;
type Attributes = Record<string, string>;

/** A new element with attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child): child is Node | string => child !== null));
  return element;
}

/** The element with this id; its absence is a mistake in the page itself. */
export function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** Set the text, and leave the element alone where nothing changed. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The mark of simulated data. */
export const simulatedMark = (): HTMLElement => make("abbr", { class: "sim", title: "simulated" }, "SIM");

/** A paragraph in place of an empty table. */
export const emptyNote = (text: string): HTMLElement => make("p", { class: "empty" }, text);

/** Draw again only where the data changed, so that selections and scrolling survive. */
export function whenChanged<T>(draw: (value: T) => void): (value: T) => void {
  let before: string | undefined;
  return (value) => {
    const now = JSON.stringify(value);
    if (now === before) return;
    before = now;
    draw(value);
  };
}
