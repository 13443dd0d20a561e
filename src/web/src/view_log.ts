// The log at the top of the page: its figures, the rate, and the newest events as a tape.

import { find, make, setText } from "./dom";
import { count, plural, rate, readable, shortCount, stepOf } from "./format";
import type { NewestEvent, Snapshot } from "./snapshot";
import { paths, scale, within, type Sample } from "./spark";

const TAPE_LENGTH = 320;

/** The four figures. */
export function drawFigures(snapshot: Snapshot): void {
  setText(find("head"), shortCount(snapshot.head));
  find("head").title = count(snapshot.head);
  setText(find("open-total"), shortCount(snapshot.open_total));
  const slowest = snapshot.lag.reduce((most, each) => Math.max(most, each.lag), 0);
  const worst = find("lag-worst");
  setText(worst, snapshot.lag.length === 0 ? "–" : slowest === 0 ? "up to date" : `${shortCount(slowest)} behind`);
  worst.classList.toggle("calm", slowest === 0 && snapshot.lag.length > 0);
  worst.title = snapshot.lag.length > 0 ? `${plural(slowest, "event")} behind the log` : "";
}

/** The rate now and its line over the last two minutes. */
export class RateView {
  private samples: Sample[] = [];

  add(value: number, now: number): void {
    this.samples = within([...this.samples, { at: now, value }], now);
    const { peak } = scale(this.samples);
    const { line, area } = paths(this.samples, now, 240, 44);
    setText(find("rate"), rate(value));
    setText(find("peak"), peak > 0 ? `peak ${rate(peak)}` : "");
    const spark = find("spark");
    spark.querySelector(".spark-line")?.setAttribute("d", line);
    spark.querySelector(".spark-area")?.setAttribute("d", area);
  }
}

/** One stroke for each event, newest at the right; a pale one stands for events not shown. */
export class TapeView {
  private newest = 0;

  add(events: readonly NewestEvent[]): void {
    const tape = find("tape");
    if ((events[0]?.position ?? 0) < this.newest) {
      tape.replaceChildren(); // another log: the server was started on other data
      this.newest = 0;
    }
    const first = this.newest === 0;
    const fresh = events.filter((event) => event.position > this.newest).reverse();
    const strokes = fresh.flatMap((event) => {
      const missed = this.newest > 0 && event.position > this.newest + 1;
      this.newest = event.position;
      const step = stepOf(event.topic);
      const stroke = make("i", { class: `stroke step-${step}${first ? "" : " arriving"}` });
      stroke.title = `${count(event.position)} · ${readable(step)}`;
      return missed ? [make("i", { class: "stroke missed" }), stroke] : [stroke];
    });
    tape.append(...strokes);
    while (tape.childElementCount > TAPE_LENGTH) tape.firstElementChild?.remove();
  }
}
