// Days that may be of another year.

import { now } from "../../shared/clock";
import { day } from "../../shared/format";
import { locale } from "../../shared/i18n";

/** The day, with its year where that is not this one: `2027年3月6日（周六）`. */
export function dayOfYear(value: string): string {
  const year = value.slice(0, 4);
  if (year === new Date(now()).toISOString().slice(0, 4)) return day(value);
  return locale.value === "en" ? `${day(value)} ${year}` : `${year}年${day(value)}`;
}
