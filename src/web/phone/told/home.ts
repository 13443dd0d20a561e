// The stories of the first page, the list of services, what one has under way, oneself.

import { AWAY, PENDING, refusal, type Story } from "../../shared/stories";
import { application } from "./applications";
import { HOME_ANSWERS, ME } from "./people";

const OFFICER = { waits_for: "officer", decided_by: "rules" };
const SOME = {
  ...HOME_ANSWERS,
  "GET /v1/applications": {
    applications: [
      application("referred", OFFICER),
      application("paid", { application_id: "application-2", amount_fen: 1248000, waits_for: "ended" }),
      application("refused", { application_id: "application-3", channels: ["kiosk"], waits_for: "ended" }),
    ],
    next: null,
  },
  "GET /v1/drafts": { drafts: [{ draft_id: "draft-1", citizen_id: ME.subject, service: "water-transfer", channel: "kiosk", simulated: true, begun_at: "2026-11-24T02:30:00Z", saved_at: "2026-11-24T02:30:00Z", expires_at: "2026-12-24T02:30:00Z", version: 1 }], next: null },
};

export const home: readonly Story[] = [
  { name: "home", path: "/", as: ME, answers: SOME },
  { name: "home-signed-out", path: "/", answers: HOME_ANSWERS },
  { name: "home-away", path: "/", answers: { "GET /v1/*": AWAY } },
  {
    name: "home-elder",
    path: "/",
    as: ME,
    answers: SOME,
    act: (page) => page.querySelector<HTMLElement>(".hello .pill")?.click(),
  },
  { name: "services", path: "/services", answers: HOME_ANSWERS },
  { name: "services-loading", path: "/services", answers: { "GET /v1/services": PENDING } },
  { name: "services-error", path: "/services", answers: { "GET /v1/services": refusal(500, "internal") } },
  {
    name: "services-none",
    path: "/services",
    answers: HOME_ANSWERS,
    act: (page) => {
      const input = page.querySelector<HTMLInputElement>("input[type=search]");
      if (input === null) return;
      input.value = "护照";
      input.dispatchEvent(new Event("input"));
    },
  },
  { name: "mine", path: "/mine", as: ME, answers: SOME },
  { name: "mine-empty", path: "/mine", as: ME, answers: HOME_ANSWERS },
  { name: "mine-signed-out", path: "/mine" },
  { name: "mine-error", path: "/mine", as: ME, answers: { "GET /v1/*": AWAY } },
  { name: "me", path: "/me", as: ME },
  { name: "me-signed-out", path: "/me" },
  { name: "nowhere", path: "/nowhere" },
];
