// Stories of the applications page. Everything in them is made up.

import { AWAY, PENDING, refusal, Reply, type Story } from "../../shared/stories";
import type { Person } from "../../shared/session";

export const OFFICIAL: Person = { subject: "official-4", roles: ["official"], department: "housing-fund" };

const ONE = "application-00000000000000000000000a2c90d7ab";
const OTHER = "application-00000000000000000000000a20b7e903";
const SECOND = "application-00000000000000000000000ab3c19a04";
const CITIZEN = "citizen-0000000000000000000000000a0d5e11";

export const NAMES = {
  "GET /v1/services": {
    services: [
      { code: "housing-fund-repayment", name: "公积金提取（偿还住房贷款）", name_en: "Housing fund withdrawal (repaying a mortgage)" },
      { code: "residence-permit", name: "居住证申领", name_en: "Residence permit" },
      { code: "first-home-subsidy", name: "青年人才首次购房补贴", name_en: "First-home subsidy" },
    ],
  },
  "GET /v1/departments": {
    departments: [
      { code: "police", name: "公安局", name_en: "Police" },
      { code: "civil-affairs", name: "民政局", name_en: "Civil affairs" },
      { code: "bank", name: "银行", name_en: "Bank" },
      { code: "housing-fund", name: "公积金中心", name_en: "Housing fund centre" },
      { code: "municipal-works", name: "市政工程处", name_en: "Municipal works" },
      { code: "traffic_police", name: "交警支队", name_en: "Traffic police" },
    ],
  },
  "GET /v1/classes": {
    classes: [
      { code: "manhole-cover", name: "窨井盖移位", name_en: "Manhole cover out of place" },
      { code: "road-damage", name: "道路破损", name_en: "Road damage" },
      { code: "waterlogging", name: "道路积水", name_en: "Waterlogging" },
    ],
  },
};

function row(application_id: string, more: object): object {
  return {
    application_id, citizen_id: CITIZEN, service: "housing-fund-repayment", department: "housing-fund",
    item_version: "2020-06-01+5d1e90ab", status: "referred", channel: "app", channels: ["app"], simulated: true, pays: true,
    submitted_at: "2026-11-25T10:12:04+08:00", promised_at: null, legal_due_on: "2026-11-30",
    identified_at: "2026-11-25T10:11:58+08:00", identity_method: "face", decided_at: "2026-11-25T10:12:09+08:00", decided_by: "rules",
    outcome: "referred", reasons: ["own-loan"], amount_fen: null, paid_at: null, payout_delayed: false, appealed: false, reviews: 0,
    correction_due_at: null, unanswered: false, waits_for: "officer", due_at: null, version: 9, position: 120,
    overdue: false, claimed_by: null, claimed_until: null, undelivered: [], ...more,
  };
}

const MISSING = [{ material: "identity", department: "police", reason: "source-timeout", attempts: 3 }];
const QUEUE = {
  applications: [
    row(OTHER, { service: "residence-permit", legal_due_on: "2026-11-25", submitted_at: "2026-11-14T09:00:00+08:00", pays: false }),
    row(ONE, { undelivered: MISSING }),
    row(SECOND, { service: "first-home-subsidy", status: "awaiting-second-reviewer", legal_due_on: "2026-12-01", submitted_at: "2026-11-24T10:00:00+08:00" }),
    row("application-0000000000000000000000000e5520c7d".slice(0, 44), { appealed: true, legal_due_on: "2026-12-01", submitted_at: "2026-11-24T10:10:00+08:00", claimed_by: "official-9" }),
  ],
  next: null,
};

const step = (version: number, topic: string, more: object = {}): object => ({
  version, position: 100 + version, topic: `application.${topic}`, at: "2026-11-25T10:12:09+08:00", recorded_at: "2026-11-25T10:12:09+08:00",
  milliseconds: 4900, actor: "process", role: null, channel: null, details: {}, ...more,
});
const STEPS = [step(1, "submitted"), step(2, "identity_verified"), step(3, "evidence_requested"), step(9, "decided")];

const input = (version: number, material: string, label: string, label_en: string, department: string, milliseconds: number, attempts = 1): object => ({
  material, label, label_en, department, version, at: "2026-11-25T10:12:09+08:00", milliseconds, attempts, delivered: material !== "identity",
});
const rule = (code: string, finding: string, reason: string, reason_en: string, expression: string): object => ({ code, finding, reason, reason_en, expression, source: "assumed", applies: null });

const EXPLAINED = {
  application_id: ONE, service: "housing-fund-repayment", item_version: "2020-06-01+5d1e90ab", outcome: null, payments: [],
  decisions: [{ by: "rules", outcome: "referred", amount_fen: null, version: 9, reasons: ["own-loan"] }], parameters: { reserve_fen: 100 },
  inputs: [
    input(4, "identity", "身份与户籍", "Identity and household", "police", 4800, 3),
    input(5, "marriage", "婚姻登记", "Marriage", "civil-affairs", 390),
    input(6, "repayments", "还款明细", "Repayments", "bank", 1750, 2),
    input(7, "account", "公积金账户", "Provident fund account", "housing-fund", 170),
  ],
  rules: [
    rule("own-loan", "unknown", "借款人不是本人或配偶", "The loan is somebody else's", "loan.borrower == identity.person || loan.borrower == marriage.spouse"),
    rule("account-normal", "met", "公积金账户状态不正常", "The account is not in order", 'account.status == "normal"'),
    rule("once-a-year", "met", "距上次提取不满 12 个月", "Less than 12 months since the last withdrawal", "months_between(account.last_withdrawal, today) >= 12"),
    rule("something-to-withdraw", "met", "无可提取金额", "There is nothing to withdraw", "amount_fen > 0"),
  ],
  deliveries: [{ material: "identity", decides: ["own-loan"], helps: [] }],
  what_ifs: [{ rule: "own-loan", met: "approved", amount_fen: 1_248_000, failed: "refused" }],
  values: [{ name: "amount_fen", expression: "least(account.balance_fen - parameters.reserve_fen, repaid_fen)" }],
  recomputed: { same: true, outcome: "referred", reasons: ["own-loan"], amount_fen: null, computed_fen: 1_248_000 },
};
const ITEM = {
  version: "2020-06-01+5d1e90ab", parameters: {}, item: { payout: { one_reviewer_fen: 5_000_000 } },
  officer_reasons: [{ code: "records-contradict", reason: "材料之间相互矛盾", reason_en: "Records contradict each other", source: "assumed" }],
};

function opened(id: string, version: number, steps: readonly object[], more: object = {}): Record<string, unknown> {
  const { overdue: _, undelivered: __, ...application } = row(id, { version, ...more }) as Record<string, unknown>;
  return {
    [`GET /v1/applications/${id}`]: new Reply(200, { application, steps }, { ETag: `"${version}"` }),
    [`GET /v1/applications/${id}/explanation`]: EXPLAINED,
    "GET /v1/services/*": ITEM,
  };
}

const BASE = { ...NAMES, "GET /v1/applications/queue": QUEUE };
const WHOLE = { ...BASE, ...opened(ONE, 9, STEPS) };

async function decide(page: HTMLElement): Promise<void> {
  page.querySelector<HTMLInputElement>('input[value="approved"]')?.click();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const note = page.querySelector<HTMLTextAreaElement>("#note");
  if (note === null) return;
  note.value = "已电话向公安局核实：借款人为申请人本人。核实记录编号 模拟-0042。";
  note.dispatchEvent(new Event("input"));
}

async function send(page: HTMLElement): Promise<void> {
  await decide(page);
  await new Promise((resolve) => setTimeout(resolve, 20));
  page.querySelector<HTMLButtonElement>("aside .bt.p")?.click();
}

const TAKEN = {
  ...NAMES, ...opened("application-taken", 9, STEPS),
  "GET /v1/applications/queue": { applications: [row("application-taken", { claimed_by: "official-9", claimed_until: "2026-11-25T11:00:00+08:00" })], next: null },
};
const THREAD = {
  [`GET /v1/applications/${ONE}/messages?purpose=review`]: { messages: [
    { at: "2026-11-25T10:14:00+08:00", by: "officer", asks_for_correction: false, text: "请问借款合同上的借款人是您本人吗？" },
    { at: "2026-11-25T10:20:00+08:00", by: "applicant", asks_for_correction: false, text: "是我本人，合同已经加上。" },
  ] },
  [`GET /v1/applications/${ONE}/statements?purpose=review`]: { statements: [
    { at: "2026-11-25T10:13:00+08:00", version: 8, what: "grounds", by: "applicant", outcome: null, reasons: [], amount_fen: null, text: "我认为借款人没有错。" },
  ] },
  [`GET /v1/applications/${ONE}/documents`]: { documents: [
    { document_id: "d1", kind: "loan-contract", content_type: "application/pdf", bytes: 182_000, sha256: "00", by: "applicant", added_at: "2026-11-25T10:19:00+08:00" },
  ] },
};
async function thread(page: HTMLElement): Promise<void> {
  const open = [...page.querySelectorAll<HTMLButtonElement>(".work .bt.w")].at(-1);
  open?.click();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const purpose = page.querySelector<HTMLSelectElement>("#purpose-thread");
  if (purpose === null) return;
  purpose.value = "review";
  purpose.dispatchEvent(new Event("change"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  [...page.querySelectorAll<HTMLButtonElement>(".work .bt.w")].at(-1)?.click();
}

const at = (id: string): string => `/applications/${id}`;
const PROPOSAL = { outcome: "approved", amount_fen: 8_000_000, reviewer: "official-9", because: ["above-one-reviewer"], reasons: [] };
const faster = [...STEPS, step(10, "task_claimed", { actor: "official-9" }), step(11, "reviewed", { actor: "official-9", at: "2026-11-25T10:29:41+08:00" })];

/** A colleague takes it while the reason is being typed. */
const FASTER = { ...WHOLE, [`POST /v1/applications/${ONE}/review`]: refusal(412, "stale-version", "", { current_version: 10 }) };
async function overtaken(page: HTMLElement): Promise<void> {
  Object.assign(FASTER, opened(ONE, 10, faster.slice(0, 5)));
  await send(page);
}

export const APPLICATIONS: readonly Story[] = [
  { name: "applications", path: at(ONE), as: OFFICIAL, answers: WHOLE, act: decide },
  { name: "applications-refusal", path: at(ONE), as: OFFICIAL, answers: WHOLE, act: (page) => page.querySelector<HTMLInputElement>('input[value="refused"]')?.click() },
  { name: "applications-none-open", path: "/applications", as: OFFICIAL, answers: BASE },
  { name: "applications-empty", path: "/applications", as: OFFICIAL, answers: { ...NAMES, "GET /v1/applications/queue": { applications: [], next: null } } },
  { name: "applications-loading", path: at(ONE), as: OFFICIAL, answers: { ...NAMES, "GET /v1/applications/queue": PENDING, "GET /v1/applications/*": PENDING } },
  { name: "applications-error", path: at(ONE), as: OFFICIAL, answers: { ...NAMES, "GET /v1/applications/queue": refusal(503, "not-caught-up"), "GET /v1/applications/*": refusal(403, "not-your-application", "这件不归您的部门") } },
  { name: "applications-offline", path: at(ONE), as: OFFICIAL, answers: { ...WHOLE, "GET /v1/applications/queue": AWAY } },
  { name: "applications-faster", path: at(ONE), as: OFFICIAL, answers: FASTER, act: overtaken },
  { name: "applications-over", path: at(ONE), as: OFFICIAL, answers: { ...BASE, ...opened(ONE, 11, faster, { status: "paid" }) } },
  {
    name: "applications-second", path: at(SECOND), as: OFFICIAL,
    answers: { ...BASE, ...opened(SECOND, 10, [...STEPS, step(10, "review_proposed", { actor: "official-9", details: PROPOSAL })], { status: "awaiting-second-reviewer" }) },
  },
  { name: "applications-taken", path: at("application-taken"), as: OFFICIAL, answers: TAKEN },
  { name: "applications-thread", path: at(ONE), as: OFFICIAL, answers: { ...WHOLE, ...THREAD }, act: thread },
  {
    name: "applications-purpose", path: at(ONE), as: OFFICIAL, answers: WHOLE,
    act: (page) => [...page.querySelectorAll<HTMLButtonElement>("aside button.w")].at(-1)?.click(),
  },
];
