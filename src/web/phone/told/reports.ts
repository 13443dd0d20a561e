// The stories of a report: photo, place, what it is, and how it goes on.

import { AWAY, Events, PENDING, refusal, type Story } from "../../shared/stories";
import { drawnHead } from "./camera";
import { CLASSES, HOME_ANSWERS, ME } from "./people";

const CASE = "case-01a22ba55d1f70d6889f0e15b548aaaa";
const PLACE = {
  district: { code: "410102", name: "中原区", name_en: "Zhongyuan" },
  street: { code: "410102001", name: "棉纺路街道", name_en: "Mianfang Road" },
  community: null,
  cell: null,
  cell_polygon: null,
  latitude: 34.7466,
  longitude: 113.6254,
  crs: "wgs84",
  version: "1",
};
const AROUND = { ...CLASSES, "GET /v1/places": PLACE, "GET /v1/cases/nearby": { cases: [] } };
const NEAR = {
  case_id: CASE,
  class_code: "overflowing_bin",
  status: "accepted",
  reported_at: "2026-11-25T01:55:00Z",
  latitude: 34.7468,
  longitude: 113.6258,
  distance_m: 43,
  simulated: true,
};
const STATE = {
  case_id: CASE,
  version: 9,
  status: "closed",
  source: "citizen",
  class_code: "overflowing_bin",
  description: "",
  visibility: "public",
  latitude: 34.7466,
  longitude: 113.6254,
  address: null,
  departments: ["sanitation"],
  lead: "sanitation",
  simulated: true,
  rating: null,
  times_returned: 0,
  times_reopened: 0,
  times_extended: 0,
  reported_at: "2026-11-24T23:12:00Z",
  last_occurred_at: "2026-11-25T02:22:00Z",
  handled_at: "2026-11-25T02:04:00Z",
  merged_into: null,
};
const entry = (version: number, topic: string, occurred_at: string, details: object = {}): { version: number; [member: string]: unknown } => ({
  case_id: CASE,
  version,
  position: version,
  topic,
  occurred_at,
  recorded_at: occurred_at,
  actor: null,
  role: null,
  channel: null,
  details,
});
const ENTRIES = [
  entry(1, "case.reported", "2026-11-24T23:12:00Z"),
  entry(2, "case.dispatched", "2026-11-24T23:12:01Z", { departments: ["sanitation"], lead: "sanitation" }),
  entry(3, "case.accepted", "2026-11-24T23:30:00Z", { department: "sanitation" }),
  entry(4, "case.handled", "2026-11-25T02:04:00Z"),
  entry(5, "case.verified", "2026-11-25T02:22:00Z"),
  entry(6, "case.closed", "2026-11-25T02:22:00Z"),
];
const followed = (state: object, entries = ENTRIES): Record<string, unknown> => ({
  ...CLASSES,
  [`GET /v1/cases/${CASE}`]: { ...STATE, ...state },
  [`GET /v1/cases/${CASE}/live`]: new Events(entries.map((data) => ({ event: "step", id: String(data.version), data }))),
});

/** As if somebody had taken a photo. */
async function photograph(page: HTMLElement): Promise<void> {
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = await drawnHead();
  await video.play();
  const canvas = document.createElement("canvas");
  canvas.width = 360;
  canvas.height = 270;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg"));
  const input = page.querySelector<HTMLInputElement>("input[type=file]");
  if (input === null || blob === null) return;
  const files = new DataTransfer();
  files.items.add(new File([blob], "photo.jpg", { type: "image/jpeg" }));
  input.files = files.files;
  input.dispatchEvent(new Event("change"));
  await new Promise((resolve) => setTimeout(resolve, 100));
}

const press = (selector: string) => async (page: HTMLElement): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 30));
  page.querySelector<HTMLElement>(selector)?.click();
};

export const reports: readonly Story[] = [
  { name: "report-photo", path: "/report", as: ME },
  { name: "report-photo-taken", path: "/report", as: ME, act: photograph },
  { name: "report-signed-out", path: "/report" },
  { name: "report-place", path: "/report/place", as: ME, answers: AROUND },
  { name: "report-place-near", path: "/report/place", as: ME, answers: { ...AROUND, "GET /v1/cases/nearby": { cases: [NEAR] } } },
  { name: "report-place-away", path: "/report/place", as: ME, answers: { ...CLASSES, "GET /v1/places": AWAY, "GET /v1/cases/nearby": AWAY } },
  { name: "report-place-outside", path: "/report/place", as: ME, answers: { ...AROUND, "GET /v1/places": refusal(422, "outside-the-city") } },
  { name: "report-what", path: "/report/what", as: ME, answers: AROUND },
  { name: "report-what-danger", path: "/report/what", as: ME, answers: AROUND, act: press("input[value=displaced_manhole_cover]") },
  { name: "report-what-none", path: "/report/what", as: ME, answers: AROUND, act: press(".acts .btn") },
  {
    name: "report-stored",
    path: "/report/what",
    as: ME,
    answers: { ...HOME_ANSWERS, "POST /v1/cases": AWAY },
    act: async (page) => {
      await press("input[value=overflowing_bin]")(page);
      await press(".acts .btn")(page);
      await new Promise((resolve) => setTimeout(resolve, 100));
    },
  },
  { name: "case", path: `/cases/${CASE}`, as: ME, answers: followed({}) },
  { name: "case-under-way", path: `/cases/${CASE}`, as: ME, answers: followed({ status: "accepted", handled_at: null }, ENTRIES.slice(0, 3)) },
  { name: "case-still", path: `/cases/${CASE}`, as: ME, answers: followed({}), act: press(".acts .sec") },
  { name: "case-stars", path: `/cases/${CASE}`, as: ME, answers: followed({}), act: press(".acts .pl") },
  { name: "case-loading", path: `/cases/${CASE}`, as: ME, answers: { ...CLASSES, "GET /v1/cases/*": PENDING } },
  { name: "case-not-mine", path: `/cases/${CASE}`, as: ME, answers: { ...CLASSES, "GET /v1/cases/*": refusal(404, "stream-not-found", "没有这一件") } },
];
