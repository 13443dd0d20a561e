import { expect, it } from "vitest";
import { steps } from "../told/applications";
import type { Step } from "./following";
import { gotOf, recordsOf } from "./records";

it("tells records that are here from those that are being fetched, and those that nobody gave", () => {
  const found = recordsOf(steps(5) as Step[]);
  expect(found).toHaveLength(7);
  expect(gotOf(found)).toBe(5);
  expect(found[0]).toMatchObject({ material: "identity", state: "got", seconds: 0.12 });
  expect(found[6]).toMatchObject({ material: "account", state: "getting", seconds: null });
  const silent = recordsOf(steps(6, "identity") as Step[]);
  expect(silent.find((each) => each.material === "identity")?.state).toBe("failed");
  expect(gotOf(silent)).toBe(6);
});
