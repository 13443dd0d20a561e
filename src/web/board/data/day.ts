// The city's day that the board shows.

import { CITY_ZONE } from "../../shared/format";

const written = new Intl.DateTimeFormat("sv-SE", { timeZone: CITY_ZONE });

/** `YYYY-MM-DD` of a moment in milliseconds, so many days later. */
export const cityDay = (milliseconds: number, later = 0): string => written.format(milliseconds + later * 86_400_000);
