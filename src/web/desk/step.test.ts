import { expect, test } from "vitest";
import { Problem } from "../shared/problems";
import { overtaken, useStep } from "./step";

const away = new Problem(503, "not-caught-up", "", null, null, {}, null);
const stale = new Problem(412, "stale-version", "", null, null, { current_version: 7 }, null);

test("the same step keeps its key until it is answered for good, and counts once", async () => {
  const step = useStep();
  const keys: string[] = [];
  const answers: (Problem | null)[] = [away, null, null, stale, null];
  const send = async (key: string): Promise<void> => {
    keys.push(key);
    const answer = answers[keys.length - 1];
    if (answer) throw answer;
  };
  expect(await step.take(["approve", 5], send)).toBe(false);
  expect(step.problem.value).toBe(away);
  expect(await step.take(["approve", 5], send)).toBe(true);
  expect(step.problem.value).toBeNull();
  await step.take(["approve", 5], send);
  expect(await step.take(["approve", 6], send)).toBe(false);
  expect(overtaken(step.problem.value, false)).toBe(true);
  await step.take(["approve", 6], send);
  expect(keys[0]).toBe(keys[1]);
  expect(new Set(keys).size).toBe(4);
});

test("what is pressed twice is sent once", async () => {
  const step = useStep();
  let sent = 0;
  let answer = (): void => undefined;
  const first = step.take("x", () => {
    sent += 1;
    return new Promise<void>((resolve) => (answer = resolve));
  });
  expect(await step.take("x", async () => (sent += 1))).toBe(false);
  answer();
  expect(await first).toBe(true);
  expect(sent).toBe(1);
});

test("a refusal is about somebody who was faster only where it looks different now", () => {
  const refused = new Problem(409, "tasks-open", "", null, null, {}, null);
  expect(overtaken(refused, false)).toBe(false);
  expect(overtaken(refused, true)).toBe(true);
  expect(overtaken(null, true)).toBe(false);
});
