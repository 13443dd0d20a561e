// The stories of an application: from the first page to the receipt.

import { AWAY, PENDING, refusal, type Story } from "../../shared/stories";
import { certificate, keys } from "./certificate";
import { ANOTHERS_LOAN, FROZEN, PAID, sentBack, steps, TOO_SOON, told } from "./applications";
import { APPLICATION, CITIZEN, citizen, details, FUND, HOME_ANSWERS, ME, notice, record, water } from "./people";

const service = `/services/${FUND}`;
const at = `/applications/${APPLICATION}`;
const RECORD = `GET /v1/citizens/${CITIZEN}/record`;
const OWN = {
  [`GET /v1/services/${FUND}`]: details,
  "GET /v1/services/water-transfer": { ...details, item: water },
  [RECORD]: record,
  [`GET /v1/citizens/${CITIZEN}`]: citizen,
  "GET /v1/agreements": { agreements: [notice] },
};
const ASKED = { ...OWN, [`GET /v1/citizens/${CITIZEN}`]: { ...citizen, face_consent: false, face_enrolled: false } };
const CHALLENGE = { challenge_id: "c", nonce: "n", steps: ["neutral", "left", "right"], expires_at: "2026-11-25T02:31:00Z" };
const CODES = `POST /v1/citizens/${CITIZEN}/identity/codes`;
const RECEIPT = {
  [`POST /v1/applications/${APPLICATION}/certificate`]: {},
  [`GET /v1/applications/${APPLICATION}/certificate`]: certificate,
};
const REFERRED = { waits_for: "officer", decided_at: "2026-11-25T02:30:06Z", decided_by: "rules", outcome: "referred" };

const SENT_BACK = {
  ...told("sent-back", [...steps(7), ...sentBack], { correction_due_at: "2026-12-15T09:00:00Z", waits_for: "person" }),
  [`GET /v1/applications/${APPLICATION}/messages`]: { messages: [{ at: "2026-11-25T02:20:00Z", by: "officer", asks_for_correction: true, text: "借款合同看不清，请再拍一张；账单已收到。" }] },
};

async function click(page: HTMLElement, selector: string): Promise<void> {
  page.querySelector<HTMLElement>(selector)?.click();
  await new Promise((resolve) => setTimeout(resolve, 20));
}

const starting: Story[] = [
  { name: "start", path: service, answers: OWN },
  { name: "start-help", path: service, answers: OWN, act: (page) => click(page, ".help") },
  { name: "start-loading", path: service, answers: { [`GET /v1/services/${FUND}`]: PENDING } },
  { name: "start-away", path: service, answers: { [`GET /v1/services/${FUND}`]: AWAY } },
  {
    name: "start-draft",
    path: "/services/water-transfer?draft=draft-1",
    as: ME,
    answers: {
      ...OWN,
      "GET /v1/drafts/draft-1": { draft_id: "draft-1", version: 1, service: "water-transfer", status: "open", channel: "kiosk", expires_at: "2026-12-25T02:30:00Z", application_id: null, form: { ground: "home" } },
      "POST /v1/drafts/draft-1/continuation": {},
    },
  },
  { name: "form", path: "/services/water-transfer/form", as: ME, answers: OWN },
  { name: "form-wrong", path: "/services/water-transfer/form", as: ME, answers: OWN, act: (page) => click(page, ".acts .btn") },
  { name: "consent", path: `${service}/consent`, as: ME, answers: ASKED },
  { name: "consent-signed-out", path: `${service}/consent`, answers: OWN },
  { name: "consent-text", path: `${service}/consent`, as: ME, answers: ASKED, act: (page) => click(page, "summary") },
  { name: "check", path: `${service}/check`, as: ME, answers: OWN },
  { name: "check-loading", path: `${service}/check`, as: ME, answers: { ...OWN, [RECORD]: PENDING } },
];

const proving: Story[] = [
  { name: "face", path: `${service}/face`, as: ME, answers: { ...OWN, [`POST /v1/citizens/${CITIZEN}/face/challenges`]: CHALLENGE } },
  { name: "face-not-served", path: `${service}/face`, as: ME, answers: { ...OWN, [`POST /v1/citizens/${CITIZEN}/face/challenges`]: refusal(503, "faces-not-served") } },
  { name: "ways", path: `${service}/ways`, as: ME, answers: OWN },
  { name: "ways-chosen", path: `${service}/ways`, as: ME, answers: OWN, act: (page) => click(page, "input[value=passcode]") },
  { name: "ways-none", path: `${service}/ways`, as: ME, answers: OWN, act: (page) => click(page, ".acts .btn") },
  { name: "ways-no-phone", path: `${service}/ways`, as: ME, answers: { ...OWN, [RECORD]: { ...record, phone: null, passcode: false } } },
  {
    name: "ways-saved",
    path: `${service}/ways`,
    as: ME,
    answers: { ...OWN, "POST /v1/drafts": { draft_id: "draft-1", version: 1, service: FUND, status: "open", channel: "app", expires_at: "2026-12-25T02:30:00Z", application_id: null } },
    act: async (page) => {
      await click(page, "input[value=hall]");
      await click(page, ".acts .btn");
    },
  },
  { name: "code", path: `${service}/code`, as: ME, answers: { ...OWN, [CODES]: { code_id: "1", expires_at: "2026-11-25T02:35:00Z" } } },
  { name: "code-wrong", path: `${service}/code`, as: ME, answers: { ...OWN, [CODES]: { code_id: "1", expires_at: "2026-11-25T02:35:00Z" } }, act: (page) => click(page, ".acts .btn") },
  { name: "code-too-often", path: `${service}/code`, as: ME, answers: { ...OWN, [CODES]: refusal(429, "too-many-codes", "您要的验证码太多了") } },
];

const following: Story[] = [
  { name: "running", path: at, as: ME, answers: told("collecting", steps(5)) },
  { name: "running-away", path: at, as: ME, answers: { ...told("collecting", steps(5)), [`GET /v1/applications/${APPLICATION}/live`]: AWAY } },
  { name: "paying-late", path: at, as: ME, answers: told("paying", steps(7), { payout_delayed: true }) },
  { name: "application-loading", path: at, as: ME, answers: { [`GET /v1/applications/${APPLICATION}`]: PENDING } },
  { name: "application-not-mine", path: at, as: ME, answers: { [`GET /v1/applications/${APPLICATION}`]: refusal(403, "not-your-application", "这不是您的申请") } },
  { name: "application-signed-out", path: at, answers: { [`GET /v1/applications/${APPLICATION}`]: refusal(401, "unauthenticated") } },
  { name: "submitted", path: at, as: ME, answers: told("submitted", steps(0), { identified_at: null }) },
  { name: "referred", path: at, as: ME, answers: told("referred", steps(6, "identity"), REFERRED) },
  { name: "referred-withdraw", path: at, as: ME, answers: told("referred", steps(6, "identity"), REFERRED), act: (page) => click(page, "button.pl") },
  {
    name: "referred-messages",
    path: at,
    as: ME,
    answers: {
      ...told("referred", steps(6, "identity"), REFERRED),
      [`GET /v1/applications/${APPLICATION}/messages`]: { messages: [{ at: "2026-11-25T02:20:00Z", by: "officer", asks_for_correction: false, text: "正在电话核实。" }] },
    },
    act: (page) => click(page, "summary"),
  },
  { name: "second", path: at, as: ME, answers: told("awaiting-second-reviewer", steps(7), REFERRED) },
  { name: "payout-failed", path: at, as: ME, answers: told("payout-failed", steps(7), { ...REFERRED, outcome: "approved" }) },
  { name: "sent-back", path: at, as: ME, answers: SENT_BACK },
  { name: "sent-back-missing", path: at, as: ME, answers: SENT_BACK, act: (page) => click(page, ".acts .btn") },
  { name: "withdrawn", path: at, as: ME, answers: told("withdrawn", steps(3), { waits_for: "ended" }) },
  { name: "expired", path: at, as: ME, answers: told("expired", steps(0), { waits_for: "ended" }) },
  { name: "done", path: at, as: ME, answers: PAID },
  { name: "done-rules", path: at, as: ME, answers: PAID, act: (page) => click(page, "summary") },
  { name: "refused", path: at, as: ME, answers: TOO_SOON },
  { name: "refused-frozen", path: at, as: ME, answers: FROZEN },
  { name: "refused-record", path: at, as: ME, answers: ANOTHERS_LOAN },
  { name: "appeal", path: `${at}/appeal`, as: ME },
  { name: "appeal-empty", path: `${at}/appeal`, as: ME, act: (page) => click(page, ".acts .btn") },
  { name: "receipt", path: `${at}/receipt`, as: ME, answers: RECEIPT },
  {
    name: "receipt-checked",
    path: `${at}/receipt`,
    as: ME,
    answers: { ...RECEIPT, "GET /v1/certificates/keys": keys },
    act: (page) => click(page, ".acts .pl"),
  },
  { name: "sent", path: "/sent/nothing", as: ME, answers: HOME_ANSWERS },
];

export const applying: readonly Story[] = [...starting, ...proving, ...following];
