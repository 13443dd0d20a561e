// How figures of the board are written, beyond what all clients share.

import { CITY_ZONE } from "../../shared/format";
import { locale, t } from "../../shared/i18n";

/** Seconds as a number: `0.41`, `1.8`, `31`; `–` for what is not known. */
export function seconds(value: number | null): string {
  if (value === null) return "–";
  if (value < 1) return value.toFixed(2);
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

/** 0.974 → `97.4`, 1 → `100`; `–` for what is not known. */
export function percent(share: number | null, digits = 1): string {
  if (share === null) return "–";
  return share === 1 ? "100" : (share * 100).toFixed(digits);
}

/** Time that is left or over: `18 分`, `2 小时`, `3 天`. Milliseconds. */
export function span(milliseconds: number): string {
  const minutes = Math.max(0, Math.floor(Math.abs(milliseconds) / 60_000));
  if (minutes < 60) return t("unit.shortMinutes", { n: minutes });
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? t("unit.hours", { n: hours }) : t("unit.days", { n: Math.floor(hours / 24) });
}

const language = (): string => (locale.value === "en" ? "en-GB" : "zh-CN");

/** `11月25日 周三`, `Wed 25 Nov`. */
export function shortDay(milliseconds: number): string {
  const part = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(language(), { timeZone: CITY_ZONE, ...options }).format(milliseconds);
  if (locale.value === "en") return part({ weekday: "short", day: "numeric", month: "short" });
  return `${part({ month: "long", day: "numeric" })} ${part({ weekday: "short" })}`;
}

/** Minutes that the city's zone is ahead of UTC. */
export const OFFSET_MINUTES = 480;
