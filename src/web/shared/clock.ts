// The time that pages go by: stories and a board that looks back stand at a moment of their own.

let fixed: number | null = null;

/** Now, in milliseconds since 1970. */
export function now(): number {
  return fixed ?? Date.now();
}

/** Stand still at a moment (RFC 3339), or go on with the real time. */
export function standAt(moment: string | null): void {
  fixed = moment === null ? null : Date.parse(moment);
}
