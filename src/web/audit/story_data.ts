// A made-up application and its stream, as the API would answer: what the stories show.

import type { Entry, StoredEvent } from "./logic/entries";
import type { StreamState } from "./reading";

export const STREAM = "application-01a22bbf68077c33aa839fe78f3ac41e";
export const CORRELATION = "8f999223-7ffc-43ee-9beb-f4c9aff2d1e1";
const CITIZEN = "citizen-01a22bbf63ad7be19021aa7d0d5e1100";
const ENTITLEMENT = "entitlement-46cbad3ce3b98cf83fe944793b6bb8cc";
const BEGAN = Date.parse("2026-11-25T02:30:00Z");
const PROCESS = "system:applications";
const SEALED = "djK7kqnkqSMwUKo3zaJNoKhNgZbOmnH+UN4LWb7BidI=";

/** SHA-256 of the decision below, as `docs/auditing.md` says. */
const DECIDED = "9411dbed3f7a9c3ebf23e9ddb746eda9710015d73f231b6525a1d689a08aba6d";

type Step = readonly [what: string, milliseconds: number, position: number, data: Record<string, unknown>];

const STEPS: readonly Step[] = [
  ["submitted", 0, 4861702, { service: "housing-fund-repayment", citizen_id: CITIZEN, channel: "app", form_sealed: SEALED }],
  ["identity_verified", 30, 4861703, { method: "face", level: "high" }],
  ["evidence_requested", 110, 4861705, { requests: 7 }],
  ...(["account", "identity", "marriage", "property", "purchase", "repayments", "loan"] as const).map(
    (material, index): Step => [
      "evidence_collected",
      [123, 214, 343, 412, 661, 850, 1102][index] as number,
      4861708 + index * 2,
      { material, sha256: "b799174f2cead54516a8e77de1dcd48807ec2b9fa794c90c5ee0258191edfefb", record_sealed: SEALED },
    ],
  ),
  ["decided", 1118, 4861725, { outcome: "approved", amount_fen: 1248000, reasons: [], findings: { 1: true, 2: true } }],
  ["payout_confirmed", 1810, 4861733, { payment_id: "b2d237bb-16c3-5abb-8438-4589f32548da", amount_fen: 1248000, decision_version: 11, decision_sha256: DECIDED }],
];

function stored(streamId: string, version: number, topic: string, position: number, after: number, data: object): StoredEvent {
  const actor = version === 1 && streamId === STREAM ? CITIZEN : PROCESS;
  return {
    position,
    stream_id: streamId,
    version,
    topic,
    recorded_at: new Date(BEGAN + after).toISOString(),
    metadata: {
      actor,
      role: actor === CITIZEN ? "citizen" : "system",
      channel: actor === CITIZEN ? "app" : "process",
      command_id: "f04bc59e-e6c3-45b1-b048-eaa2eeeb44ba",
      correlation_id: CORRELATION,
    },
    data,
    state_base64: btoa(JSON.stringify(data)),
  };
}

export const events: readonly StoredEvent[] = STEPS.map(([what, after, position, data], index) =>
  stored(STREAM, index + 1, `application.${what}`, position, after, data),
);

/** All that belongs to the same request. */
export const together: readonly StoredEvent[] = [
  ...events,
  stored(ENTITLEMENT, 1, "entitlement.opened", 4861726, 1130, { citizen_id: CITIZEN }),
  stored(ENTITLEMENT, 2, "entitlement.claimed", 4861727, 1130, { by: STREAM }),
  stored(ENTITLEMENT, 3, "entitlement.settled", 4861734, 1815, { by: STREAM }),
].sort((one, other) => one.position - other.position);

const STATUSES = ["submitted", "identified", ...Array<string>(7).fill("collecting"), "collected", "approved", "paid"];

/** The state at a version. */
export function stateAt(version: number): StreamState {
  const event = events[version - 1] as StoredEvent;
  const decided = version > 10;
  const materials = events.slice(3, Math.min(version, 10)).map(({ data }) => (data as { material: string }).material);
  return {
    stream_id: STREAM,
    version,
    last_version: events.length,
    position: event.position,
    recorded_at: event.recorded_at,
    topic: event.topic,
    state: {
      version,
      status: STATUSES[version - 1],
      evidence: Object.fromEntries(materials.map((each) => [each, "b799174f2cead54516a8e77de1dcd48807ec2b9fa794c90c5ee0258191edfefb"])),
      identified_by: version > 1 ? 4 : null,
      outcome: decided ? "approved" : null,
      decided_at: decided ? "2026-11-25T02:30:01.118+00:00" : null,
      amount_fen: decided ? 1248000 : null,
      decision_sha256: decided ? DECIDED : null,
      paid_fen: version > 11 ? 1248000 : 0,
      service: "housing-fund-repayment",
      item_version: "2020-06-01+d4c122fe",
      citizen_id: CITIZEN,
      channel: "app",
      form_sealed: SEALED,
      simulated: true,
    },
  };
}

export const application = {
  application: { version: 12, status: "paid", amount_fen: 1248000, outcome: "approved", citizen_id: CITIZEN, channel: "app" },
};
export const explanation = {
  recomputed: { same: true, outcome: "approved" },
  payments: [{ compared: { same: true } }],
};

export const service = { item: { name: "公积金提取（偿还住房贷款）", name_en: "Withdrawal from the housing fund" } };

/** A longer stream: a case that was returned again and again. */
export const LONG = `case-${"3".repeat(32)}`;
const AGAIN = ["accepted", "handled", "returned"];
export const long: readonly StoredEvent[] = Array.from({ length: 40 }, (_, index) =>
  stored(LONG, index + 1, `case.${index === 0 ? "reported" : (AGAIN[index % 3] as string)}`, 100 + index * 7, index * 3_600_000, { n: index }),
);

export function longStateAt(version: number): StreamState {
  const event = long[version - 1] as StoredEvent;
  const status = event.topic.slice("case.".length);
  return { ...stateAt(1), stream_id: LONG, version, last_version: 40, topic: event.topic, state: { status, departments: ["sanitation"] } };
}

/** The lines of an export in which one event is another. */
export function keptFile(change = false): string {
  return events
    .map(({ data: _, ...entry }: StoredEvent): Entry => (change && entry.version === 11 ? { ...entry, topic: "application.reviewed" } : entry))
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join("");
}
