import { createApp } from "vue";
import { beforeAll, expect, test } from "vitest";
import { speak, useWords } from "../../shared/i18n";
import { words } from "../words";
import { changeSaid, faultSentence, newest } from "./faults";

beforeAll(async () => {
  await useWords(createApp({}), words);
  await speak("zh-Hans");
});

const CODES: readonly (readonly [string, string, string, string])[] = [
  ["conflict", "V1 and V2 green", "检出冲突放行", "Conflicting greens were seen"],
  ["restarts", "3 restarts", "短时间内重启了 3 次", "It restarted 3 times in a short while"],
  ["clock", "+12.0 s", "信号机的钟快 12.0 秒", "The controller's clock is 12.0 s fast"],
  ["clock", "-4.5 s", "信号机的钟慢 4.5 秒", "The controller's clock is 4.5 s slow"],
  ["lamps", "V1 green, V2 red", "灯和应有的不一样：V1 绿、V2 红", "Lamps are not as they should be: V1 green, V2 red"],
  ["controller", "not heard", "没有信号机的消息", "The controller says nothing"],
  ["controller", "41 not followed", "信号机没有执行第 41 号指令", "The controller has not followed command 41"],
  ["strategy", "no-plan", "策略算不出来，已按本地方案走", "The strategy could not decide: the junction follows its own plan"],
  ["detector:D7", "stuck-on", "检测器 D7 一直说有车", "Detector D7 never stops seeing a vehicle"],
  ["detector:D7", "silent", "检测器 D7 没有消息", "Detector D7 says nothing"],
  ["of-tomorrow", "x", "故障代码 of-tomorrow", "Fault code of-tomorrow"],
];

test("each fault that the API names is a sentence in both languages, and no detail of the log is left in it", async () => {
  for (const [fault, detail, chinese] of CODES) expect(faultSentence(fault, detail)).toBe(chinese);
  await speak("en");
  for (const [fault, detail, , english] of CODES) expect(faultSentence(fault, detail)).toBe(english);
  expect(faultSentence("unattended", "2026-11-25T02:00:00+00:00")).toContain("10:00");
  await speak("zh-Hans");
});

test("a bus that asks again and again is one line, and is told in words", () => {
  const asked = (position: number, request: string, because: string): Parameters<typeof newest>[0][number] => ({
    position, at: "2026-11-25T10:25:00+08:00", topic: "signal.bus_answered", stage: null, source: null, cause: null, details: { request, line: "renmin_east", status: "rejected", because },
  });
  const shown = newest([asked(1, "r1", "on-time"), asked(2, "r2", "local"), asked(3, "r1", "close-behind")]);
  expect(shown.map(({ position }) => position)).toEqual([3, 2]);
  expect(shown.map((each) => changeSaid(each).why)).toEqual(["不给　离前车太近", "不给　本地方案"]);
});

test("a refusal names the rule, and a change of mode what led to it", () => {
  const change = { position: 1, at: "2026-11-25T10:25:00+08:00", topic: "signal.refused", stage: null, source: "centre", cause: null, details: { rule: 8, detail: "P1 clears" } };
  expect(changeSaid(change)).toEqual({ what: "拒绝", by: "中心", why: "行人还没走完" });
  const mode = { ...change, topic: "signal.mode_changed", details: { by: "watchdog", reason: "lamps" } };
  expect(changeSaid(mode)).toEqual({ what: "改模式", by: "看门狗", why: "灯和应有的不一样" });
});
