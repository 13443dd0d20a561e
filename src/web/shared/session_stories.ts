import type { Story } from "./stories";

const SOMEBODY = { subject: "somebody", roles: [] };

/** What is said where nobody is signed in, over a page that is none. */
export const sessionStories: readonly Story[] = [
  { name: "session-ended", path: "/no-such-screen", as: SOMEBODY, notice: "ended" },
  { name: "session-left", path: "/no-such-screen", notice: "left" },
  { name: "session-handed", path: "/no-such-screen", notice: "handed" },
  { name: "session-failed", path: "/no-such-screen", notice: "failed" },
];
