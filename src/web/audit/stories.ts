import { AWAY, PENDING, quiet, refusal, Reply, type Story } from "../shared/stories";
import { application, CORRELATION, events, explanation, keptFile, LONG, long, longStateAt, service, STREAM, stateAt, together } from "./story_data";

const AUDITOR = { subject: "auditor-1", roles: ["auditor"] };
const EVENTS = `GET /v1/streams/${STREAM}/events`;
const STATES = `GET /v1/streams/${STREAM}/state`;
const LOG = "GET /v1/events";
const page = (some: unknown, next: number | null = null): object => ({ events: some, next });
const states = Object.fromEntries(events.map(({ version }) => [`${STATES}?version=${version}&purpose=audit`, stateAt(version)]));
const longStates = Object.fromEntries([12, 30].map((each) => [`GET /v1/streams/${LONG}/state?version=${each}&purpose=audit`, longStateAt(each)]));
const whole = {
  "GET /v1/services/housing-fund-repayment": service,
  [EVENTS]: page(events),
  ...states,
  [LOG]: page(together),
  [`GET /v1/applications/${STREAM}`]: application,
  [`GET /v1/applications/${STREAM}/explanation`]: explanation,
};
const COMPARED = `/streams/${STREAM}?a=4&b=12`;
const missing = refusal(404, "stream-not-found", "没有这条记录");
const busy = refusal(503, "store-unavailable", "数据库暂时无法连接", { next_step: "请稍候，再试一次。" });
const unrecorded = refusal(503, "access-not-recorded", "暂时无法显示");

async function press(page: HTMLElement, selector: string): Promise<void> {
  page.querySelector<HTMLElement>(selector)?.click();
  await quiet();
}

async function type(page: HTMLElement, text: string): Promise<void> {
  const field = page.querySelector<HTMLInputElement>("#asked");
  if (field === null) return;
  field.value = text;
  field.dispatchEvent(new Event("input"));
  await press(page, ".ask button");
}

/** As if somebody had chosen a file. */
async function chooseFile(page: HTMLElement, text: string): Promise<void> {
  const input = page.querySelector<HTMLInputElement>("#kept");
  if (input === null) return;
  const chosen = new DataTransfer();
  chosen.items.add(new File([text], "kept.ndjson"));
  input.files = chosen.files;
  input.dispatchEvent(new Event("change"));
  await quiet();
}

const stream: readonly Story[] = [
  { name: "stream", path: COMPARED, as: AUDITOR, answers: whole },
  {
    name: "stream-neighbours",
    path: `/streams/${STREAM}?a=10&b=11`,
    as: AUDITOR,
    answers: whole,
    act: (page) => press(page, ".pn button[aria-pressed=false]"),
  },
  { name: "stream-checked", path: COMPARED, as: AUDITOR, answers: whole, act: (page) => press(page, ".side .pn button") },
  {
    name: "stream-check-differs",
    path: COMPARED,
    as: AUDITOR,
    answers: {
      ...whole,
      [`GET /v1/applications/${STREAM}`]: { application: { ...application.application, status: "approved" } },
      [`GET /v1/applications/${STREAM}/explanation`]: { recomputed: { same: false }, payments: [] },
    },
    act: (page) => press(page, ".side .pn button"),
  },
  { name: "stream-loading", path: COMPARED, as: AUDITOR, answers: { ...whole, [EVENTS]: PENDING } },
  { name: "stream-state-loading", path: COMPARED, as: AUDITOR, answers: { ...whole, [`${STATES}?version=4&purpose=audit`]: PENDING } },
  { name: "stream-none", path: COMPARED, as: AUDITOR, answers: { ...whole, [EVENTS]: missing } },
  { name: "stream-error", path: COMPARED, as: AUDITOR, answers: { ...whole, [EVENTS]: busy } },
  { name: "stream-not-recorded", path: COMPARED, as: AUDITOR, answers: { ...whole, [`${STATES}?version=12&purpose=audit`]: unrecorded, [LOG]: unrecorded } },
  { name: "stream-offline", path: COMPARED, as: AUDITOR, answers: { ...whole, [EVENTS]: AWAY } },
  { name: "stream-stale", path: `/streams/${STREAM}?a=3&b=10`, as: AUDITOR, answers: { ...whole, [EVENTS]: page(events.slice(0, 10)) } },
  {
    name: "stream-long",
    path: `/streams/${LONG}?a=12&b=30`,
    as: AUDITOR,
    answers: { [`GET /v1/streams/${LONG}/events`]: page(long, 40), ...longStates, [LOG]: page([]) },
  },
  {
    name: "stream-one-event",
    path: `/streams/${STREAM}`,
    as: AUDITOR,
    answers: { ...whole, [EVENTS]: page(events.slice(0, 1)), [`${STATES}?version=1&purpose=audit`]: { ...stateAt(1), last_version: 1 } },
  },
  { name: "keys", path: COMPARED, as: AUDITOR, answers: whole, act: () => void dispatchKey("?") },
];

function dispatchKey(key: string): void {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}

const PROOF = `/proof/${STREAM}?v=12`;
const proof: readonly Story[] = [
  { name: "proof", path: PROOF, as: AUDITOR, answers: whole },
  { name: "proof-same", path: PROOF, as: AUDITOR, answers: whole, act: (page) => chooseFile(page, keptFile()) },
  { name: "proof-differs", path: PROOF, as: AUDITOR, answers: whole, act: (page) => chooseFile(page, keptFile(true)) },
  { name: "proof-missing", path: PROOF, as: AUDITOR, answers: whole, act: (page) => chooseFile(page, keptFile().split("\n").slice(0, 5).join("\n")) },
  { name: "proof-no-export", path: PROOF, as: AUDITOR, answers: whole, act: (page) => chooseFile(page, "holiday photos") },
  { name: "proof-tampered", path: PROOF, as: AUDITOR, answers: whole, act: (page) => press(page, ".verdict button") },
  { name: "proof-long", path: `/proof/${LONG}?v=17`, as: AUDITOR, answers: { [`GET /v1/streams/${LONG}/events`]: page(long) } },
  { name: "proof-none", path: "/proof", as: AUDITOR },
  { name: "proof-loading", path: PROOF, as: AUDITOR, answers: { [EVENTS]: PENDING } },
  { name: "proof-gone", path: PROOF, as: AUDITOR, answers: { [EVENTS]: missing } },
  { name: "proof-offline", path: PROOF, as: AUDITOR, answers: { [EVENTS]: AWAY } },
];

const rest: readonly Story[] = [
  { name: "start", path: "/", as: AUDITOR },
  { name: "start-not-understood", path: "/", as: AUDITOR, act: (page) => type(page, "nothing of the kind") },
  { name: "start-beyond", path: "/", as: AUDITOR, answers: { [LOG]: page([]) }, act: (page) => type(page, "p99999999") },
  { name: "sign-in", path: "/" },
  { name: "sign-in-not-an-auditor", path: "/", as: { subject: "official-1", roles: ["official"] } },
  { name: "correlation", path: `/correlations/${CORRELATION}`, as: AUDITOR, answers: { [LOG]: page(together) } },
  { name: "correlation-none", path: `/correlations/${CORRELATION}`, as: AUDITOR, answers: { [LOG]: page([]) } },
  { name: "correlation-loading", path: `/correlations/${CORRELATION}`, as: AUDITOR, answers: { [LOG]: PENDING } },
  { name: "correlation-late", path: `/correlations/${CORRELATION}`, as: AUDITOR, answers: { [LOG]: refusal(503, "not-caught-up") } },
  { name: "correlation-offline", path: `/correlations/${CORRELATION}`, as: AUDITOR, answers: { [LOG]: AWAY } },
  { name: "log", path: "/log?after=4861700", as: AUDITOR, answers: { [LOG]: page(together, 4861734) } },
  { name: "log-since", path: "/log?since=2026-11-25T02:30:00.000Z", as: AUDITOR, answers: { [LOG]: page(together) } },
  { name: "log-empty", path: "/log", as: AUDITOR, answers: { [LOG]: page([]) } },
  { name: "log-loading", path: "/log", as: AUDITOR, answers: { [LOG]: PENDING } },
  { name: "log-error", path: "/log", as: AUDITOR, answers: { [LOG]: new Reply(500, null) } },
  { name: "log-offline", path: "/log", as: AUDITOR, answers: { [LOG]: AWAY } },
  { name: "models", path: "/models", as: AUDITOR, answers: { "GET /v1/projections": { head: 4862119, projections: [row("applications", 0), row("case_desk", 5), row("streams", 0, 2)] } } },
  { name: "models-empty", path: "/models", as: AUDITOR, answers: { "GET /v1/projections": { head: 0, projections: [] } } },
  { name: "models-loading", path: "/models", as: AUDITOR, answers: { "GET /v1/projections": PENDING } },
  { name: "models-error", path: "/models", as: AUDITOR, answers: { "GET /v1/projections": busy } },
  { name: "models-offline", path: "/models", as: AUDITOR, answers: { "GET /v1/projections": AWAY } },
];

function row(projection: string, lag: number, parked = 0): object {
  return { projection, version: 1, position: 4862119 - lag, lag, parked, running: true };
}

export const stories: readonly Story[] = [...stream, ...proof, ...rest];
