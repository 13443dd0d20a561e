// Parking: which berths are taken, free or unknown, where sessions stand, the day's money, anomalies.

import { byZone, countsOf, sizeOf, squares, statesOf, type State } from "./berths";
import { emptyNote, find, make, setText } from "./dom";
import { mostOf, plural, shortCount, yuan } from "./format";
import type { Face, Parking } from "./snapshot";

const SVG = "http://www.w3.org/2000/svg";
const STATES: readonly State[] = ["occupied", "free", "unknown"];
const TO_BE_PAID = ["priced", "claimed", "deferred"];
const SHOWN: readonly [string, string][] = [
  ["overdue", "overdue"],
  ["disputed", "disputed"],
  ["settled", "settled"],
];

/** Draw the panel. */
export function drawParking(parking: Parking): void {
  const sessions = (status: string): number => parking.sessions[status] ?? 0;
  setText(find("parking-parked"), shortCount(sessions("parked")));
  setText(find("parking-held"), shortCount(sessions("held")));
  setText(find("parking-open"), shortCount(TO_BE_PAID.reduce((sum, status) => sum + sessions(status), 0)));
  setText(find("parking-settled"), yuan(parking.settled_fen));
  setText(find("parking-charged"), `of ${yuan(parking.charged_fen)} that today’s stays owe`);
  setText(find("parking-captured"), yuan(parking.captured_fen));
  setText(find("parking-returned"), parking.returned_fen === 0 ? "" : `${yuan(parking.returned_fen)} went back`);
  const open = Object.values(parking.anomalies).reduce((sum, each) => sum + each, 0);
  setText(find("parking-anomalies"), shortCount(open));
  setText(find("parking-kinds"), mostOf(parking.anomalies, 2));
  const others = SHOWN.filter(([status]) => sessions(status) > 0);
  const said = others.map(([status, word]) => `${shortCount(sessions(status))} ${word}`);
  setText(find("parking-sessions"), said.length === 0 ? "" : `Sessions: ${said.join(" · ")}`);
  for (const state of STATES) setText(find(`parking-${state}`), shortCount(parking.berths[state]));
  drawFaces(parking.faces);
}

function drawFaces(faces: readonly Face[]): void {
  if (faces.length === 0) {
    find("parking-faces").replaceChildren(emptyNote("No berth is known here."));
    return;
  }
  const zones = byZone(faces).map(([zone, ofZone]) =>
    make("section", {}, make("h3", {}, `Tariff zone ${zone}`), ...ofZone.map(faceRow)),
  );
  find("parking-faces").replaceChildren(...zones);
}

function faceRow(face: Face): HTMLElement {
  const states = statesOf(face);
  const [width, height] = sizeOf(states.length);
  const counts = countsOf(states);
  const said = STATES.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${state}`);
  const picture = document.createElementNS(SVG, "svg");
  const attributes = {
    viewBox: `0 0 ${width} ${height}`,
    width: `${width}`,
    height: `${height}`,
    role: "img",
    "aria-label": `${face.name}: ${said.join(", ")} of ${plural(states.length, "berth")}`,
  };
  for (const [name, value] of Object.entries(attributes)) picture.setAttribute(name, value);
  for (const state of STATES) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", `berth-${state}`);
    path.setAttribute("d", squares(states, state));
    picture.append(path);
  }
  return make("div", { class: "face", title: said.join(", ") }, make("span", {}, face.name), picture);
}
