// Merkle trees as in RFC 6962, section 2.1, computed by the browser itself (WebCrypto).

export type Bytes = Uint8Array<ArrayBuffer>;

/** A node over the leaves `from` up to, not including, `to`. */
export interface Node {
  from: number;
  to: number;
  hash: Bytes;
  left: Node | null;
  right: Node | null;
}

/** A hash that joins the way from a leaf to the root, and on which side it stands. */
export interface Sibling {
  node: Node;
  side: "left" | "right";
}

export async function sha256(...parts: Bytes[]): Promise<Bytes> {
  const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

/** SHA-256(00 ‖ entry). */
export function leafHash(entry: Bytes): Promise<Bytes> {
  return sha256(new Uint8Array([0]), entry);
}

/** The tree over leaf hashes, of which there is at least one. */
export async function tree(leaves: readonly Bytes[], from = 0, to = leaves.length): Promise<Node> {
  if (to - from === 1) return { from, to, hash: leaves[from] as Bytes, left: null, right: null };
  const middle = from + largestPowerBelow(to - from);
  const [left, right] = [await tree(leaves, from, middle), await tree(leaves, middle, to)];
  return { from, to, left, right, hash: await inner(left.hash, right.hash) };
}

/** The nodes that prove that a leaf is in the tree, from the leaf upwards. */
export function path(root: Node, leaf: number): Sibling[] {
  const found: Sibling[] = [];
  let node = root;
  while (node.left !== null && node.right !== null) {
    const goesLeft = leaf < node.left.to;
    found.unshift(goesLeft ? { node: node.right, side: "right" } : { node: node.left, side: "left" });
    node = goesLeft ? node.left : node.right;
  }
  return found;
}

/** The root that a leaf hash and its path lead to. */
export async function rootFrom(leaf: Bytes, siblings: readonly Sibling[]): Promise<Bytes> {
  let hash = leaf;
  for (const { node, side } of siblings) {
    hash = side === "right" ? await inner(hash, node.hash) : await inner(node.hash, hash);
  }
  return hash;
}

export function hex(bytes: Bytes): string {
  return [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
}

export function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
}

function inner(left: Bytes, right: Bytes): Promise<Bytes> {
  return sha256(new Uint8Array([1]), left, right);
}

function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
