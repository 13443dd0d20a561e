// The tables of the page: newest events, open cases, streams and read models.

import { emptyNote, find, make, simulatedMark } from "./dom";
import { count, dateAndTime, plural, readable, shortStream, stepOf, timeOfDay } from "./format";
import { nameOf } from "./names";
import { openTable } from "./open_cases";
import type { NewestEvent, OpenCount, ProjectionLag, StreamCount } from "./snapshot";

const NEWEST_SHOWN = 16;
/** Events; a busy read model is always a few behind, which is no cause for concern. */
const NOTICEABLE_LAG = 100;

interface Column {
  text: string;
  kind?: "number" | "stream";
  title?: string;
}

function head(...columns: Column[]): HTMLTableSectionElement {
  const cells = columns.map(({ text, kind = "", title = "" }) =>
    make("th", { scope: "col", class: kind, title }, text),
  );
  return make("thead", {}, make("tr", {}, ...cells));
}

const figure = (value: number): HTMLElement => make("td", { class: "number" }, count(value));

/** The newest events as rows; rows that stay are kept, so only new ones move. */
export class NewestView {
  private readonly rows = new Map<number, HTMLElement>();
  private body: HTMLElement | null = null;

  draw(events: readonly NewestEvent[]): void {
    if (events.length === 0) {
      this.rows.clear();
      this.body = null;
      find("newest").replaceChildren(emptyNote("The log is empty. The first report will show here."));
      return;
    }
    const body = (this.body ??= this.table());
    const first = this.rows.size === 0;
    const shown = events.slice(0, NEWEST_SHOWN);
    const wanted = new Set(shown.map((event) => event.position));
    for (const [position, row] of this.rows) {
      if (wanted.has(position)) continue;
      row.remove();
      this.rows.delete(position);
    }
    for (const event of [...shown].reverse()) {
      if (this.rows.has(event.position)) continue;
      const row = eventRow(event);
      if (!first) row.classList.add("arriving");
      this.rows.set(event.position, row);
      body.prepend(row);
    }
  }

  private table(): HTMLElement {
    const body = make("tbody");
    find("newest").replaceChildren(
      make(
        "table",
        { class: "events" },
        make("caption", { class: "visually-hidden" }, "Newest events, newest first"),
        head(
          { text: "Position", kind: "number" },
          { text: "Event" },
          { text: "Class" },
          { text: "Stream", kind: "stream" },
          { text: "Recorded", kind: "number" },
        ),
        body,
      ),
    );
    return body;
  }
}

function eventRow(event: NewestEvent): HTMLElement {
  const step = stepOf(event.topic);
  const recorded = make("time", { datetime: event.recorded_at, title: dateAndTime(event.recorded_at) });
  recorded.textContent = timeOfDay(event.recorded_at);
  return make(
    "tr",
    {},
    figure(event.position),
    make("td", { title: event.topic }, make("span", { class: `step step-${step}` }, readable(step))),
    make("td", {}, eventClass(event)),
    make("td", { class: "stream", title: event.stream_id }, shortStream(event.stream_id)),
    make("td", { class: "number" }, recorded),
  );
}

function eventClass(event: NewestEvent): HTMLElement {
  const { text, own } = event.class_code ? nameOf(event.class_code) : { text: "–", own: "" };
  const mark = event.simulated ? simulatedMark() : null;
  return make("div", { class: "of-class" }, make("span", { title: own }, text), mark);
}

/** Open cases: one row a class, one column a department. */
export function drawOpen(open: readonly OpenCount[]): void {
  const table = openTable(open);
  if (table.rows.length === 0) {
    find("open").replaceChildren(emptyNote("No case is open."));
    return;
  }
  const columns = table.departments.map((code): Column => {
    const { text, own } = code === null ? { text: "Not dispatched yet", own: "" } : nameOf(code);
    return { text, kind: "number", title: own };
  });
  const rows = table.rows.map((row) =>
    make(
      "tr",
      {},
      make("th", { scope: "row", title: nameOf(row.class_code).own }, nameOf(row.class_code).text),
      ...row.cells.map((open) => openCell(open, table.most)),
    ),
  );
  const totals = make("tr", {}, make("th", { scope: "row" }, "Together"), ...table.totals.map(figure));
  find("open").replaceChildren(
    make(
      "table",
      { class: "heat" },
      make("caption", { class: "visually-hidden" }, "Open cases by class and department"),
      head({ text: "Class" }, ...columns),
      make("tbody", {}, ...rows),
      make("tfoot", {}, totals),
    ),
  );
}

function openCell(open: number, most: number): HTMLElement {
  const cell = make("td", { class: open === 0 ? "number none" : "number" }, open === 0 ? "·" : count(open));
  if (open === 0) cell.setAttribute("aria-label", "none");
  cell.style.setProperty("--share", `${Math.round(6 + (34 * open) / most)}%`);
  return cell;
}

/** One row a category: how many streams, how many events. */
export function drawStreams(streams: readonly StreamCount[]): void {
  if (streams.length === 0) {
    find("streams").replaceChildren(emptyNote("No stream yet."));
    return;
  }
  const rows = streams.map((each) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, readable(each.category)),
      figure(each.streams),
      figure(each.events),
    ),
  );
  find("streams").replaceChildren(
    make(
      "table",
      {},
      make("caption", { class: "visually-hidden" }, "Streams and events by category"),
      head({ text: "Category" }, { text: "Streams", kind: "number" }, { text: "Events", kind: "number" }),
      make("tbody", {}, ...rows),
    ),
  );
}

/** One row a read model: where it stands and how far behind it is. */
export function drawLag(lag: readonly ProjectionLag[]): void {
  if (lag.length === 0) {
    find("lag").replaceChildren(emptyNote("No read model is running."));
    return;
  }
  const rows = lag.map((each) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, readable(each.projection)),
      figure(each.position),
      make(
        "td",
        { class: "number" },
        make(
          "span",
          { class: `badge ${each.lag === 0 ? "good" : each.lag < NOTICEABLE_LAG ? "" : "behind"}` },
          each.lag === 0 ? "up to date" : `${plural(each.lag, "event")} behind`,
        ),
      ),
    ),
  );
  find("lag").replaceChildren(
    make(
      "table",
      {},
      make("caption", { class: "visually-hidden" }, "Read models and their lag"),
      head({ text: "Read model" }, { text: "Position", kind: "number" }, { text: "State", kind: "number" }),
      make("tbody", {}, ...rows),
    ),
  );
}
