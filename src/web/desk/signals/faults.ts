// What is wrong at a junction, and why something happened, as sentences: the API says codes, and details
// that are written for the log.

import type { Model } from "../../shared/api";
import { eventName } from "../../shared/events";
import { dayAndTime } from "../../shared/format";
import { known, t } from "../../shared/i18n";
import { saidBy } from "../names";

const DETECTOR = "detector:";
const NUMBER = /[+-]?\d+(?:\.\d+)?/;

/** A fault of `JunctionState.faults`, by its code and detail. */
export function faultSentence(fault: string, detail: string): string {
  if (fault.startsWith(DETECTOR)) return detectorSentence(fault.slice(DETECTOR.length), detail);
  switch (fault) {
    case "clock":
      return clockSentence(detail);
    case "restarts":
      return t("fault.restarts", { n: NUMBER.exec(detail)?.[0] ?? "–" });
    case "lamps":
      return t("fault.lamps", { lamps: lampsSaid(detail) });
    case "controller": {
      const number = NUMBER.exec(detail)?.[0];
      return number === undefined ? t("fault.controller") : t("fault.notFollowed", { n: number });
    }
    case "unattended":
      return t("fault.unattended", { time: Number.isNaN(Date.parse(detail)) ? "–" : dayAndTime(detail) });
    default:
      return known(`fault.${fault}`) ? t(`fault.${fault}`) : t("fault.other", { code: fault });
  }
}

/** All that is wrong at a junction. */
export const faultsOf = (faults: Readonly<Record<string, string>>): string[] => Object.entries(faults).map(([fault, detail]) => faultSentence(fault, detail));

function detectorSentence(code: string, detail: string): string {
  return known(`detector.${detail}`) ? t(`detector.${detail}`, { code }) : t("fault.detector", { code });
}

function clockSentence(detail: string): string {
  const seconds = Number(NUMBER.exec(detail)?.[0]);
  if (!Number.isFinite(seconds)) return t("fault.clock");
  return t(seconds > 0 ? "fault.clockFast" : "fault.clockSlow", { s: Math.abs(seconds).toFixed(1) });
}

/** `V1 green, V2 red`: which lamps are not what they should be. */
function lampsSaid(detail: string): string {
  return detail
    .split(", ")
    .map((each) => {
      const [group, shown] = each.split(" ");
      return `${group} ${saidBy("lamp", shown ?? "")}`;
    })
    .join(t("common.and"));
}

/** A wish that was refused, among the changes of its junction: it changed nothing, and is in the log. */
export function asChange({ position, at, source, rule, groups }: Model<"SignalRefusal">): Model<"SignalChange"> {
  return { position, at, topic: "signal.refused", stage: groups.join(" ") || null, source, cause: null, details: { rule } };
}

/** The newest first; of a bus that says again and again when it comes, the last time only. */
export function newest(changes: readonly Model<"SignalChange">[]): Model<"SignalChange">[] {
  const seen = new Set<string>();
  return [...changes].sort((one, other) => other.position - one.position).filter(({ topic, details }) => {
    if (topic !== "signal.bus_answered") return true;
    const request = String(details["request"]);
    if (seen.has(request)) return false;
    seen.add(request);
    return true;
  });
}

export interface ChangeSaid {
  what: string;
  by: string;
  why: string;
}

/** A change of a junction: what it was, who did it, and why. */
export function changeSaid({ topic, stage, source, cause, details }: Model<"SignalChange">): ChangeSaid {
  const kind = topic.replace("signal.", "");
  const text = (name: string): string => (typeof details[name] === "string" ? details[name] : "");
  const by = text("by") || (source ?? "");
  const said = { what: [eventName(topic), stage ?? ""].join(" ").trim(), by: saidBy("standing", by) };
  if (kind.startsWith("fault_")) return { ...said, why: faultSentence(text("fault"), text("detail")) };
  if (kind === "bus_answered") return { ...said, by: text("line"), why: [saidBy("bus", text("status")), saidBy(known(`bus.${text("because")}`) ? "bus" : "standing", text("because"))].join("　") };
  if (kind === "refused") return { ...said, why: saidBy("rule", String(details["rule"] ?? "")) };
  if (kind === "flash_begun") return { ...said, why: saidBy("flash", text("kind")) };
  const why = cause ?? text("reason");
  return { ...said, why: known(`reason.${why}`) ? t(`reason.${why}`) : saidBy("cause", why) };
}
