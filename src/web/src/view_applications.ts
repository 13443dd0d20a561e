// The day's applications: how many, how long until the money is there, what nobody had to bring.

import { emptyNote, find, make, setText } from "./dom";
import { bars, duration, percentile, type Histogram } from "./durations";
import { plural, shortCount } from "./format";
import type { Applications, Saving } from "./snapshot";

/** Draw the panel. */
export function drawApplications(day: Applications): void {
  setText(find("apply-submitted"), shortCount(day.submitted));
  setText(find("apply-paid"), shortCount(day.paid));
  setText(find("apply-waiting"), shortCount(day.waiting));
  setText(find("apply-stranded"), `${shortCount(day.overdue)} overdue · ${shortCount(day.stranded)} stranded`);
  const median = percentile(day.seconds, 50);
  setText(find("apply-median"), median === null ? "–" : duration(median));
  drawSavings(day);
  drawDurations(day.seconds);
}

function drawSavings({ saved }: Applications): void {
  const shown = [
    saving("papers to bring", saved.materials),
    saving("approvals", saved.steps),
    saving("visits to a counter", saved.trips),
  ].filter((each) => each !== null);
  setText(find("apply-saved"), shown.length === 0 ? "" : `Saved so far: ${shown.join(" · ")}`);
}

function saving(what: string, [before, now]: Saving): string | null {
  if (before === 0) return null;
  return `${Math.round((100 * (before - now)) / before)} % of ${what}`;
}

function drawDurations(seconds: Histogram): void {
  if (seconds.length === 0) {
    find("apply-seconds").replaceChildren(emptyNote("No money has been paid today."));
    return;
  }
  const found = bars(seconds);
  const most = Math.max(...found.map((bar) => bar.count));
  const strokes = found.map((bar) => {
    const stroke = make("span", {
      class: "bar",
      title: `${plural(bar.count, "application")} within ${duration(bar.end)}`,
    });
    stroke.style.setProperty("--rise", `${bar.count === 0 ? 0 : 4 + (96 * bar.count) / most}%`);
    return stroke;
  });
  const [first, last] = [found[0], found.at(-1)];
  const p99 = percentile(seconds, 99) ?? 0;
  find("apply-seconds").replaceChildren(
    make(
      "div",
      { class: "bars", role: "img", "aria-label": `How long each took; 99 of 100 within ${duration(p99)}` },
      ...strokes,
    ),
    make(
      "p",
      { class: "scale" },
      make("span", {}, duration(first?.end ?? 0)),
      make("span", {}, `99 of 100 within ${duration(p99)}`),
      make("span", {}, duration(last?.end ?? 0)),
    ),
  );
}
