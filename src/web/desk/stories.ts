import type { Story } from "../shared/stories";
import { APPLICATIONS } from "./applications/stories";

export const stories: readonly Story[] = [
  { name: "signed-out", path: "/applications" },
  ...APPLICATIONS,
  {
    name: "keys", path: "/applications", as: { subject: "official-4", roles: ["official"] }, answers: { "GET /v1/*": { applications: [], services: [], departments: [], classes: [], next: null } },
    act: () => void dispatchEvent(new KeyboardEvent("keydown", { key: "?" })),
  },
];
