// An application in each of its states.

import { Events } from "../../shared/stories";
import { APPLICATION, CITIZEN, FUND, item, materials, rulesBut, VERSION } from "./people";

const SUBMITTED = "2026-11-25T02:29:58.200Z";
const TODAY = "2026-11-25";

export function application(status: string, more: object = {}): object {
  return {
    application_id: APPLICATION,
    citizen_id: CITIZEN,
    service: FUND,
    department: "housing-fund",
    item_version: VERSION,
    status,
    channel: "app",
    channels: ["app"],
    simulated: true,
    pays: true,
    submitted_at: SUBMITTED,
    promised_at: null,
    legal_due_on: "2026-11-30",
    identified_at: SUBMITTED,
    identity_method: "face",
    decided_at: null,
    decided_by: null,
    outcome: null,
    reasons: [],
    amount_fen: null,
    paid_at: null,
    payout_delayed: false,
    appealed: false,
    reviews: 0,
    correction_due_at: null,
    unanswered: false,
    waits_for: "moving",
    due_at: null,
    version: 5,
    position: 40,
    ...more,
  };
}

function step(version: number, topic: string, milliseconds: number, details: object = {}): object {
  const at = new Date(Date.parse(SUBMITTED) + milliseconds).toISOString();
  return { version, position: version, topic: `application.${topic}`, at, recorded_at: at, milliseconds, actor: null, role: null, channel: null, details };
}

/** Submitted, asked for, and so many records here. */
export function steps(got: number, failed: string | null = null): object[] {
  const requests = materials.map(({ name, department }) => ({ material: name, department, record: name }));
  const arriving = materials.filter((each) => each.name !== failed).slice(0, got);
  return [
    step(1, "submitted", 0, { identity_due_at: "2026-11-25T03:00:00Z" }),
    step(2, "evidence_requested", 30, { requests }),
    ...arriving.map(({ name, department }, place) => step(3 + place, "evidence_collected", 200 + 90 * place, { material: name, department, milliseconds: 120 + 90 * place })),
    ...(failed === null ? [] : [step(20, "evidence_failed", 6800, { material: failed, department: "police", attempts: 3 })]),
  ];
}

/** Two documents are asked for; one of them is here. */
export const sentBack: readonly object[] = [
  step(30, "sent_back", 60_000, { fields: [], documents: ["bill", "loan-contract"] }),
  step(31, "document_added", 90_000, { kind: "bill" }),
];

export function told(status: string, found: object[], more: object = {}): Record<string, unknown> {
  return {
    [`GET /v1/applications/${APPLICATION}`]: { application: application(status, more), steps: found },
    [`GET /v1/applications/${APPLICATION}/live`]: new Events([]),
    [`GET /v1/applications/${APPLICATION}/messages`]: { messages: [] },
    [`GET /v1/services/${FUND}`]: { version: VERSION, item, parameters: {}, officer_reasons: [] },
  };
}

const outcome = (what: string, said: object[], amount_fen: number | null): object => ({
  outcome: what,
  by: "rules",
  sha256: "206c22e6c5ee86e86fa26f01fc49e79f39d50eb183b2d3999a9fb61f65011231",
  said,
  amount_fen,
});
const inputs = materials.map((each) => ({ ...each, material: each.name, delivered: true }));

export const PAID = {
  ...told("paid", steps(7), {
    decided_at: "2026-11-25T02:29:59.700Z",
    decided_by: "rules",
    outcome: "approved",
    amount_fen: 1248000,
    paid_at: "2026-11-25T02:30:00.000Z",
    waits_for: "ended",
  }),
  [`GET /v1/applications/${APPLICATION}/explanation`]: {
    outcome: outcome("approved", [], 1248000),
    decisions: [],
    parameters: {},
    rules: rulesBut(null),
    inputs,
    payments: [],
    recomputed: { same: true },
    changes: {
      rules: [],
      amount: [
        { path: "repayments.repaid_fen", value: 1248000, binding: true },
        { path: "account.withdrawn_for_loan_fen", value: 0, binding: true },
        { path: "loan.withdrawn_by_spouse_fen", value: 0, binding: true },
        { path: "account.balance_fen", value: 8621350, binding: false },
      ],
    },
  },
};

export function refusedBy(code: string, reason: [string, string], changes: object[]): Record<string, unknown> {
  const said = [{ code, reason: reason[0], reason_en: reason[1] }];
  return {
    ...told("refused", steps(7), { decided_at: SUBMITTED, decided_by: "rules", outcome: "refused", reasons: [code], waits_for: "ended" }),
    [`GET /v1/applications/${APPLICATION}/explanation`]: {
      outcome: outcome("refused", said, null),
      decisions: [],
      parameters: {},
      rules: rulesBut(code),
      inputs,
      payments: [],
      recomputed: { same: true },
      changes: { rules: changes, amount: [] },
    },
  };
}

export const TOO_SOON = refusedBy(
  "once-a-year",
  ["距上次提取不足十二个月", "The last withdrawal was less than twelve months ago"],
  [{ rule: "once-a-year", path: "today", from: TODAY, to: "2027-03-06" }],
);
export const FROZEN = refusedBy(
  "account-normal",
  ["公积金账户状态不正常", "The provident fund account is not in order"],
  [{ rule: "account-normal", path: "account.status", from: "frozen", to: "normal" }],
);
export const ANOTHERS_LOAN = refusedBy(
  "own-loan",
  ["借款人不是本人或配偶", "The loan is neither yours nor your spouse's"],
  [{ rule: "own-loan", path: "loan.borrower", from: "1", to: "2" }],
);
