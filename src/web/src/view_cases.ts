// The day's street problems: a map of where they are, how many, and what is late.

import { boxAround, districtsOf, Projection, strength, type District } from "./city_map";
import { emptyNote, find, setText } from "./dom";
import { plural, shortCount } from "./format";
import type { Cases } from "./snapshot";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 260;
const LONGEST_MS = 3_000;

let districts: District[] = [];

/** Ask the server for the districts; without them there is no map. */
export async function loadDistricts(): Promise<void> {
  try {
    const answer = await fetch("/v1/areas", { signal: AbortSignal.timeout(LONGEST_MS) });
    if (answer.ok) districts = districtsOf(await answer.json());
  } catch {
    // The feed says that the server is away.
  }
}

/** Draw the panel. */
export function drawCases(day: Cases): void {
  setText(find("cases-reported"), shortCount(day.reported));
  setText(find("cases-handled"), shortCount(day.handled));
  setText(find("cases-overdue"), shortCount(day.overdue));
  setText(find("cases-soon"), shortCount(day.within_1_hour));
  setText(find("cases-rates"), ratesOf(day).join(" · "));
  drawMap(day);
}

function ratesOf(day: Cases): string[] {
  const shown: string[] = [];
  if (day.detections > 0) shown.push(`${plural(day.detections, "detection")} merged`);
  if (day.handled_in_time !== null) shown.push(`${percent(day.handled_in_time)} handled in time`);
  if (day.rework !== null) shown.push(`${percent(day.rework)} rework`);
  return shown;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

function drawMap(day: Cases): void {
  const box = boxAround(districts);
  if (box === null) {
    find("cases-map").replaceChildren(emptyNote("The districts could not be loaded."));
    return;
  }
  const onto = new Projection(box, HEIGHT);
  const picture = shape("svg", {
    viewBox: `0 0 ${onto.width.toFixed(0)} ${HEIGHT}`,
    role: "img",
    "aria-label": `Map of ${plural(day.reported, "report")} today, the stronger the more`,
  });
  for (const { name, rings } of districts) {
    const outline = shape("path", { class: "district", d: rings.map((ring) => onto.path(ring)).join("") });
    outline.append(titled(name));
    picture.append(outline);
  }
  picture.append(...squaresOf(day, onto));
  find("cases-map").replaceChildren(picture);
}

function squaresOf(day: Cases, onto: Projection): SVGElement[] {
  const most = Math.max(...day.squares.map(([, , count]) => count), 0);
  const side = 1 / day.squares_a_degree;
  return day.squares.map(([north, east, count]) => {
    const [west, south] = [east * side, north * side];
    const [x, y] = [onto.x(west), onto.y(south + side)];
    const square = shape("rect", {
      class: "square",
      x: x.toFixed(1),
      y: y.toFixed(1),
      width: (onto.x(west + side) - x).toFixed(1),
      height: (onto.y(south) - y).toFixed(1),
      "fill-opacity": strength(count, most).toFixed(2),
    });
    square.append(titled(plural(count, "report")));
    return square;
  });
}

function shape(name: string, attributes: Record<string, string>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function titled(text: string): SVGElement {
  const title = shape("title", {});
  title.textContent = text;
  return title;
}
