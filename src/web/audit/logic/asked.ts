// What one types in the one field: a stream, a correlation id, a log position, or a time.

import { now } from "../../shared/clock";
import { CITY_ZONE } from "../../shared/format";

export type Asked =
  | { kind: "stream"; id: string }
  | { kind: "correlation"; id: string }
  | { kind: "position"; position: number }
  | { kind: "time"; at: string };

const STREAM = /^[a-z][a-z0-9_]{0,31}-[\x21-\x7e]{1,200}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const POSITION = /^p([0-9]{1,15})$/i;
const CLOCK = /^([01]?[0-9]|2[0-3])[:：]([0-5][0-9])(?:[:：]([0-5][0-9]))?$/;
const DAY_AND_CLOCK = /^(\d{4}-\d\d-\d\d)[ T](\d{1,2}:\d\d(?::\d\d)?)$/;

/** What a text asks for; null where it is none of these. A time without a zone is the city's. */
export function asked(text: string): Asked | null {
  const said = text.trim();
  const position = POSITION.exec(said);
  if (position) return { kind: "position", position: Number(position[1]) };
  if (UUID.test(said)) return { kind: "correlation", id: said.toLowerCase() };
  const at = timeIn(said);
  if (at !== null) return { kind: "time", at };
  return STREAM.test(said) ? { kind: "stream", id: said } : null;
}

function timeIn(said: string): string | null {
  const clock = CLOCK.exec(said);
  if (clock) return inCity(today(), `${two(clock[1])}:${clock[2]}:${clock[3] ?? "00"}`);
  const whole = DAY_AND_CLOCK.exec(said);
  if (whole) {
    const [hour, minute, second] = (whole[2] as string).split(":");
    return inCity(whole[1] as string, `${two(hour)}:${minute}:${second ?? "00"}`);
  }
  if (!/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(said)) return null;
  const at = Date.parse(said);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

function inCity(day: string, clock: string): string | null {
  const at = Date.parse(`${day}T${clock}+08:00`);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

function today(): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: CITY_ZONE }).format(new Date(now()));
}

function two(hour: string | undefined): string {
  return (hour ?? "0").padStart(2, "0");
}
