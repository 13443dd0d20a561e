import { sessionStories } from "../shared/session_stories";
import type { Story } from "../shared/stories";
import { APPLICATIONS } from "./applications/stories";
import { CASES } from "./cases/stories";
import { OFFICE } from "./office_stories";
import { SIGNALS } from "./signals/stories";

export const stories: readonly Story[] = [
  ...APPLICATIONS,
  ...CASES,
  ...SIGNALS,
  ...OFFICE,
  ...sessionStories,
  {
    name: "keys", path: "/applications", as: { subject: "official-4", roles: ["official"] }, answers: { "GET /v1/*": { applications: [], services: [], departments: [], classes: [], next: null } },
    act: () => void dispatchEvent(new KeyboardEvent("keydown", { key: "?" })),
  },
];
