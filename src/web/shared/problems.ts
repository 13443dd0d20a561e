// RFC 9457 problems of the API. Title and next step are for people, in the language that was asked
// for; `code` never changes.

/** Why a request was not answered as it was meant to be. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    /** Stable; `network` where no answer came at all, `unreadable` where it was no problem of ours. */
    readonly code: string,
    readonly title: string,
    readonly nextStep: string | null,
    readonly correlationId: string | null,
    /** All members, for those that carry more (`current_version`, `errors`). */
    readonly members: Readonly<Record<string, unknown>>,
    /** Seconds, where the server said so. */
    readonly retryAfter: number | null,
  ) {
    super(`${status} ${code}`);
  }

  /** Somebody else was faster: what was read is not the newest version. */
  get stale(): boolean {
    return this.status === 412;
  }

  /** The same may work if sent again as it is. */
  get passes(): boolean {
    return this.code === "network" || this.status === 429 || this.status >= 500;
  }
}

/** No answer came: no network, or the server is away. */
export function noNetwork(): Problem {
  return new Problem(0, "network", "", null, null, {}, null);
}

/** The problem in an answer that is not a success. */
export function problemIn(response: Response, body: unknown): Problem {
  const members = isObject(body) ? body : {};
  const text = (name: string): string | null => {
    const value = members[name];
    return typeof value === "string" ? value : null;
  };
  const retry = Number(response.headers.get("Retry-After"));
  return new Problem(
    response.status,
    text("code") ?? "unreadable",
    text("title") ?? "",
    text("next_step"),
    text("correlation_id") ?? response.headers.get("X-Correlation-Id"),
    members,
    Number.isFinite(retry) && retry > 0 ? retry : null,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
