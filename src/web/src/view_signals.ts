// Signals: the junctions of the road with lamps and queues, what waiting costs there, and what is wrong.

import { emptyNote, find, make, setText, simulatedMark } from "./dom";
import { mostOf, rate, readable, shortCount } from "./format";
import { signs, sizeOfRoad, streets, type Shape } from "./road";
import type { BusFirst, Cost, Junction, Signals } from "./snapshot";

const SVG = "http://www.w3.org/2000/svg";
const COLUMNS = ["Junction", "Decides", "By", "Stage"];
const NUMBERS = ["Standing", "Delay", "5 min before"];

/** Draw the panel. */
export function drawSignals(signals: Signals): void {
  const last = sum(signals.junctions.map((each) => each.last));
  const before = sum(signals.junctions.map((each) => each.before));
  setText(find("signals-delay"), delay(last));
  setText(find("signals-delay-before"), before === null ? "" : `${delay(before)} in the five minutes before`);
  setText(find("signals-queue"), last === null ? "–" : rate(last.queue));
  setText(find("signals-queue-before"), before === null ? "" : `${rate(before.queue)} in the five minutes before`);
  setText(find("signals-passed"), last === null ? "–" : shortCount(last.vehicles));
  setText(find("signals-faulty"), shortCount(signals.faulty));
  setText(find("signals-standing"), mostOf(signals.standing, 4));
  if (signals.junctions.length === 0) {
    find("signals-road").replaceChildren(emptyNote("No junction is in service here."));
    find("signals-junctions").replaceChildren();
    return;
  }
  find("signals-road").replaceChildren(picture(signals.junctions));
  find("signals-junctions").replaceChildren(table(signals.junctions));
}

/** Of all these together; delay by all that passed. `null`: nobody tells. */
function sum(costs: readonly (Cost | null)[]): Cost | null {
  const known = costs.filter((each): each is Cost => each !== null);
  if (known.length === 0) return null;
  const total = (of: (cost: Cost) => number): number => known.reduce((all, each) => all + of(each), 0);
  const vehicles = total((each) => each.vehicles);
  const stood = total((each) => (each.delay_seconds ?? 0) * each.vehicles);
  return { queue: total((each) => each.queue), vehicles, delay_seconds: vehicles === 0 ? null : stood / vehicles };
}

const delay = (cost: Cost | null): string =>
  cost === null || cost.delay_seconds === null ? "–" : `${rate(cost.delay_seconds)} s`;

function picture(junctions: readonly Junction[]): SVGElement {
  const [width, height] = sizeOfRoad(junctions.length);
  const said = junctions.map((each) => `${each.name}: stage ${each.stage ?? "none"}`).join("; ");
  const drawing = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said });
  junctions.forEach((each, place) => drawing.append(...streets(each, place).map(drawn)));
  junctions.forEach((each, place) => drawing.append(...signs(each, place).map(drawn)));
  junctions.forEach((each, place) => {
    const label = element("text", { x: `${(place + 0.5) * (width / junctions.length) + 14}`, y: "14" });
    label.textContent = each.name;
    drawing.append(label);
  });
  return drawing;
}

const drawn = (shape: Shape): SVGElement => element(shape.tag, shape.attributes);

function element(name: string, attributes: Record<string, string>): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function table(junctions: readonly Junction[]): HTMLElement {
  const column = (name: string): HTMLElement => make("th", { scope: "col" }, name);
  const numbers = NUMBERS.map((name) => make("th", { scope: "col", class: "number" }, name));
  const head = make("tr", {}, ...COLUMNS.map(column), ...numbers, column("Wrong"));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...junctions.map(row)));
}

function row(junction: Junction): HTMLElement {
  const { last, before, faults } = junction;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, junction.name, " ", junction.simulated ? simulatedMark() : null),
    make("td", {}, readable(junction.standing)),
    make("td", {}, readable(junction.strategy), junction.bus === null ? "" : `, for ${busSaid(junction.bus)}`),
    make("td", { class: "stage" }, junction.stage ?? "–", " ", ...lampsOf(junction)),
    make("td", { class: "number" }, last === null ? "–" : rate(last.queue)),
    make("td", { class: "number" }, delay(last)),
    make("td", { class: "number" }, delay(before)),
    make("td", faults.length === 0 ? {} : { class: "wrong" }, faults.length === 0 ? "–" : wrong(faults)),
  );
}

const busSaid = ({ line, late_s }: BusFirst): string =>
  late_s === null || late_s <= 0 ? `a bus of ${readable(line)}` : `a bus of ${readable(line)}, ${late_s} s late`;

const lampsOf = (junction: Junction): HTMLElement[] =>
  Object.entries(junction.lamps).map(([group, shown]) =>
    make("i", { class: `signal of-${shown}`, title: `${group}: ${shown}` }, make("span", { class: "visually-hidden" }, `${group} ${shown} `)),
  );

const wrong = (faults: readonly string[]): string =>
  faults.length <= 2 ? faults.join(", ") : `${faults.slice(0, 2).join(", ")} and ${faults.length - 2} more`;
