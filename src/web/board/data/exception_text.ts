// An exception as the board says it: what, where, who has it, how long. Every part comes from its codes.

import { inWords, locale, t } from "../../shared/i18n";
import { span } from "./figures";
import type { BoardException } from "./standing";

export interface Said {
  title: string;
  where: string | null;
  /** Who has it. */
  who: string;
  /** Left, over, or since when. */
  time: string;
  /** How much of the time until its limit is over, 0 to 1. */
  gone: number;
}

type NameOf = (code: string | null) => string;

/** The last hour of a deadline is what its bar shows. */
const SHOWN_MS = 3_600_000;

/** In words at a moment (milliseconds). */
export function sayException(each: BoardException, now: number, nameOf: NameOf): Said {
  const title = titleOf(each, nameOf);
  const due = each.due_at === null ? null : Date.parse(each.due_at);
  const since = now - Date.parse(each.since);
  const who = each.owner === null ? t("ex.unowned") : nameOf(each.owner);
  let time: string;
  if (due === null) time = t("ex.since", { t: span(since) });
  else time = due >= now ? t("ex.left", { t: span(due - now) }) : t("ex.over", { t: span(now - due) });
  return {
    title,
    where: named(each) ?? placeOf(each),
    who,
    time,
    gone: each.severity === "now" || due === null ? 1 : Math.min(1, Math.max(0, 1 - (due - now) / SHOWN_MS)),
  };
}

function titleOf(each: BoardException, nameOf: NameOf): string {
  const about = each.about === null ? "" : nameOf(each.about);
  if (each.kind === "case-deadline") return about;
  return t(`ex.kind.${each.kind}`, { about });
}

function named({ place }: BoardException): string | null {
  return place?.name == null ? null : inWords(place.name, place.name_en);
}

/** Degrees where a place has no name: to four digits, some ten metres. */
function placeOf(each: BoardException): string | null {
  const { latitude, longitude } = each.place ?? {};
  if (typeof latitude !== "number" || typeof longitude !== "number") return null;
  const [north, east] = locale.value === "en" ? [" N", " E"] : ["°N", "°E"];
  return `${latitude.toFixed(4)}${north} ${longitude.toFixed(4)}${east}`;
}
