// Numbers, money, days and times as people of the city read them. Times are of the city's zone.

import { now } from "./clock";
import { fromCity, locale } from "./i18n";

export const CITY_ZONE = "Asia/Shanghai";
const HOUR_MS = 3_600_000;

/** Whole fen as yuan: 1250 → `12.50`; `–` for what is not known. */
export function yuan(fen: number | null | undefined): string {
  if (fen === null || fen === undefined) return "–";
  return new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(fen / 100);
}

/** 12480 → `12,480`; `–` for what is not known, `0` for nothing. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : new Intl.NumberFormat("en").format(value);
}

/** 0.971 → `97.1 %`; `–` for what is not known. */
export function share(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : `${(value * 100).toFixed(1)} %`;
}

/** `11月30日（周一）`, `Mon 30 Nov`. Takes a day (`YYYY-MM-DD`) or a moment. */
export function day(value: string): string {
  const date = new Date(value.length === 10 ? `${value}T12:00:00+08:00` : value);
  const part = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(locale.value === "en" ? "en-GB" : "zh-CN", { timeZone: CITY_ZONE, ...options }).format(date);
  if (locale.value === "en") return part({ weekday: "short", day: "numeric", month: "short" });
  return `${part({ month: "long", day: "numeric" })}（${part({ weekday: "short" })}）`;
}

/** `10:30`, or `10:30:02` with seconds. */
export function clockTime(moment: string | number, seconds = false): string {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: CITY_ZONE,
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds ? { second: "2-digit" } : {}),
  }).format(new Date(moment));
}

/** `11月30日（周一）10:30`. */
export function dayAndTime(moment: string): string {
  return `${day(moment)}${locale.value === "en" ? ", " : ""}${clockTime(moment)}`;
}

/** `3 分钟`, `2 小时 5 分`, `4 天`. */
export function duration(seconds: number): string {
  const english = locale.value === "en";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return english ? `${whole} s` : `${whole} 秒`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return english ? `${minutes} min` : `${minutes} ${locale.value === "zh-Hant" ? "分鐘" : "分钟"}`;
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours < 48) {
    const small = rest === 0 ? "" : english ? ` ${rest} min` : ` ${rest} 分`;
    return english ? `${hours} h${small}` : fromCity(`${hours} 小时${small}`);
  }
  const days = Math.floor(hours / 24);
  return english ? `${days} d` : `${days} 天`;
}

/** Within an hour how long ago (or until), else the day and time. */
export function when(moment: string): string {
  const passed = now() - Date.parse(moment);
  if (Math.abs(passed) >= HOUR_MS) return dayAndTime(moment);
  const long = duration(Math.abs(passed) / 1000);
  if (locale.value === "en") return passed >= 0 ? `${long} ago` : `in ${long}`;
  return passed >= 0 ? `${long}前` : fromCity(`${long}后`);
}
