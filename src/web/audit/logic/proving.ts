// Whether events are as they were stored when a file was exported: two roots over the same versions,
// one of what the log says now, one of the file.

import { entryBytes, type Entry, type StoredEvent } from "./entries";
import { hex, leafHash, path, rootFrom, tree, type Bytes, type Node, type Sibling } from "./merkle";

export interface Proof {
  /** Over the stream's events, all of them or those that the file has. */
  tree: Node;
  /** Which leaf, from 0. */
  leaf: number;
  leafHash: Bytes;
  siblings: Sibling[];
  /** From the leaf, changed where somebody tried that. */
  computed: Bytes;
  file: FileRoot | null;
}

export interface FileRoot {
  root: Bytes;
  events: number;
  /** Versions that say something else in the file, or are not in the log. */
  differing: number[];
}

export type Verdict = "computed" | "same" | "differs" | "differsOther" | "missing" | "tampered";

/** Prove the event of `version`; with `changed` as if a byte of it were another. */
export async function prove(
  events: readonly StoredEvent[],
  version: number,
  kept: ReadonlyMap<number, Entry> | null,
  changed: boolean,
): Promise<Proof | null> {
  const covered = kept === null ? events : events.filter((event) => kept.has(event.version));
  const leaf = covered.findIndex((event) => event.version === version);
  if (leaf < 0) return null;
  const hashes = await Promise.all(covered.map((event) => leafHash(entryBytes(event))));
  const root = await tree(hashes);
  const siblings = path(root, leaf);
  const own = changed ? await leafHash(oneByteOff(entryBytes(covered[leaf] as StoredEvent))) : (hashes[leaf] as Bytes);
  const computed = await rootFrom(own, siblings);
  return { tree: root, leaf, leafHash: own, siblings, computed, file: await fileRoot(covered, hashes, kept) };
}

async function fileRoot(
  covered: readonly StoredEvent[],
  hashes: readonly Bytes[],
  kept: ReadonlyMap<number, Entry> | null,
): Promise<FileRoot | null> {
  if (kept === null) return null;
  const entries = [...kept.values()].sort((one, other) => one.version - other.version);
  const leaves = await Promise.all(entries.map((entry) => leafHash(entryBytes(entry))));
  const now = new Map(covered.map((event, index) => [event.version, hex(hashes[index] as Bytes)]));
  const differing = entries.filter((entry, index) => now.get(entry.version) !== hex(leaves[index] as Bytes));
  return {
    root: (await tree(leaves)).hash,
    events: entries.length,
    differing: differing.map(({ version }) => version),
  };
}

/** What a proof comes to. */
export function verdict(proof: Proof | null, version: number, changed: boolean): Verdict {
  if (proof === null) return "missing";
  if (changed) return hex(proof.computed) === hex(proof.tree.hash) ? "computed" : "tampered";
  if (proof.file === null) return "computed";
  if (proof.file.differing.includes(version)) return "differs";
  return proof.file.differing.length > 0 || hex(proof.file.root) !== hex(proof.computed) ? "differsOther" : "same";
}

function oneByteOff(bytes: Bytes): Bytes {
  const other = bytes.slice();
  other[other.length - 4] = (other[other.length - 4] as number) ^ 1;
  return other;
}
