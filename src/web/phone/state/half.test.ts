import { beforeEach, expect, it } from "vitest";
import { halfOf, keepHalf, type Half } from "./half";

const half: Half = { service: "water-transfer", subject: null, form: { ground: "home" }, way: "code", draft: null };
beforeEach(() => sessionStorage.clear());

it("is found again by whoever signs in after filling it in", () => {
  keepHalf(half);
  expect(halfOf("water-transfer", "citizen-1")?.form).toEqual({ ground: "home" });
});

it("is found by the same person after the session has ended, and by nobody else", () => {
  keepHalf({ ...half, subject: "citizen-1" });
  expect(halfOf("water-transfer", "citizen-1")?.way).toBe("code");
  expect(halfOf("water-transfer", "citizen-2")).toBeNull();
  expect(halfOf("water-transfer", "citizen-1")).toBeNull();
});

it("is of one service", () => {
  keepHalf(half);
  expect(halfOf("housing-fund-repayment", null)).toBeNull();
});
