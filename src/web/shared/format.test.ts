import { beforeEach, expect, test } from "vitest";
import { standAt } from "./clock";
import { clockTime, count, day, duration, share, when, yuan } from "./format";
import { speak } from "./i18n";

beforeEach(async () => {
  standAt("2026-11-30T10:30:00+08:00");
  await speak("zh-Hans");
});

test("nothing, no number and a number look different", () => {
  expect([yuan(0), yuan(null), yuan(1248000)]).toEqual(["0.00", "–", "12,480.00"]);
  expect([count(0), count(undefined), count(12480)]).toEqual(["0", "–", "12,480"]);
  expect([share(null), share(0.9714)]).toEqual(["–", "97.1 %"]);
});

test("days and times are the city's", async () => {
  expect(day("2026-11-30")).toBe("11月30日（周一）");
  expect(clockTime("2026-11-29T16:05:09Z", true)).toBe("00:05:09");
  await speak("en");
  expect(day("2026-11-29T20:00:00Z")).toBe("Mon 30 Nov");
});

test("a time within the hour is told by how long", async () => {
  expect(when("2026-11-30T10:12:00+08:00")).toBe("18 分钟前");
  expect(when("2026-11-29T10:12:00+08:00")).toBe("11月29日（周日）10:12");
  expect([duration(59), duration(7500), duration(86400 * 3)]).toEqual(["59 秒", "2 小时 5 分", "3 天"]);
  await speak("en");
  expect(when("2026-11-30T10:33:00+08:00")).toBe("in 3 min");
  await speak("zh-Hant");
  expect(when("2026-11-30T10:12:00+08:00")).toBe("18 分鐘前");
});
