// What to say when a comparison was refused, by what the server says is in the way.

import type { Problem } from "../../shared/problems";

/** So many failures, and the other ways come first. */
export const MOST_FAILURES = 3;

const ADVICE: Readonly<Record<string, string>> = {
  "face-too-dark": "face.dark",
  "face-too-bright": "face.bright",
  "face-too-small": "face.far",
  "face-blurred": "face.hold",
  "several-faces": "face.two",
  "no-face": "face.covered",
  "face-turned-away": "face.neutral",
};
const REASONS = ["wrong-turn", "repeated-picture", "another-person", "presentation-attack"];

/** The words, and whether it counts as a failure; null for what another try does not mend. */
export function adviceOf(problem: Problem): { key: string; counts: boolean } | null {
  if (problem.code === "challenge-not-valid") return { key: "face.lost", counts: false };
  if (problem.code === "liveness-failed") {
    const reason = REASONS.find((each) => each === problem.members["reason"]);
    return { key: reason === undefined ? "face.again" : `face.${reason}`, counts: true };
  }
  const key = ADVICE[problem.code];
  return key === undefined ? null : { key, counts: true };
}
