import { expect, it } from "vitest";
import { askedIn } from "./correcting";
import type { Step } from "./following";

const step = (version: number, topic: string, details: Record<string, unknown>): Step => ({
  version, position: version, topic: `application.${topic}`, at: "", recorded_at: "", milliseconds: 0, actor: null, role: null, channel: null, details,
});

it("asks for what the last sending back named, less what came since", () => {
  const steps = [
    step(1, "document_added", { kind: "loan-contract" }),
    step(2, "sent_back", { fields: ["ground"], documents: ["loan-contract", "bill"] }),
    step(3, "document_added", { kind: "bill" }),
  ];
  const asked = askedIn(steps);
  expect(asked.fields).toEqual(["ground"]);
  expect(asked.documents.filter((kind) => !asked.received.has(kind))).toEqual(["loan-contract"]);
});
