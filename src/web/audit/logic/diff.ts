// What differs between two states of a stream, member by member.

export type State = Readonly<Record<string, unknown>>;

export interface Difference {
  name: string;
  /** `new`: there was nothing before; `gone`: there is nothing now. */
  kind: "new" | "changed" | "gone";
  before: unknown;
  after: unknown;
}

export interface Compared {
  differences: Difference[];
  /** Members that say the same. */
  same: string[];
}

/** Those that change with every event, and say nothing that the axis does not. */
const OF_EVERY_EVENT = new Set(["version", "modified_on"]);

/** Compare two states; the order is that of the later one. */
export function compare(before: State, after: State): Compared {
  const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
  const compared: Compared = { differences: [], same: [] };
  for (const name of names.filter((each) => !OF_EVERY_EVENT.has(each))) {
    const [was, is] = [before[name], after[name]];
    if (canonical(was ?? null) === canonical(is ?? null)) {
      compared.same.push(name);
    } else {
      const kind = isNothing(was) ? "new" : isNothing(is) ? "gone" : "changed";
      compared.differences.push({ name, kind, before: was, after: is });
    }
  }
  return compared;
}

/** Whether a member says nothing: null, empty, or not there. */
export function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** JSON with members sorted and no blanks: equal values have equal texts. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(",")}}`;
}
