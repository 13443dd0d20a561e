// A certificate is a compact JWS (RFC 7515) with Ed25519 (RFC 8037): it is checked here, in the
// page, with the city's public keys. Anybody else can check it the same way.

export interface Certificate {
  issuer: string;
  number: string;
  issuedAt: string;
  holder: { name: string; id_number: string };
  service: { code: string; name: string; name_en: string };
  department: string;
  itemVersion: string;
  outcome: string;
  amountFen: number | null;
  decidedOn: string;
  simulated: boolean;
}

export interface PublicKey {
  kid: string;
  kty: string;
  crv: string;
  x: string;
}

function bytesOf(part: string): Uint8Array<ArrayBuffer> {
  const text = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function jsonOf(part: string | undefined): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(bytesOf(part ?? ""))) as Record<string, unknown>;
}

/** What it says. */
export function certificateIn(signed: string): Certificate {
  const said = jsonOf(signed.split(".")[1]);
  return {
    issuer: said["iss"] as string,
    number: said["jti"] as string,
    issuedAt: new Date((said["iat"] as number) * 1000).toISOString(),
    holder: said["holder"] as Certificate["holder"],
    service: said["service"] as Certificate["service"],
    department: said["department"] as string,
    itemVersion: said["item_version"] as string,
    outcome: said["outcome"] as string,
    amountFen: (said["amount_fen"] as number | null | undefined) ?? null,
    decidedOn: said["decided_on"] as string,
    simulated: said["simulated"] === true,
  };
}

/** Whether one of the keys has signed it, as it is. */
export async function isSigned(signed: string, keys: readonly PublicKey[]): Promise<boolean> {
  const [head, body, signature] = signed.split(".");
  const { alg, kid } = jsonOf(head);
  const key = keys.find((each) => each.kid === kid);
  if (alg !== "EdDSA" || key === undefined || signature === undefined) return false;
  const { kty, crv, x } = key;
  const known = await crypto.subtle.importKey("jwk", { kty, crv, x }, { name: "Ed25519" }, false, ["verify"]);
  const said = new TextEncoder().encode(`${head}.${body}`);
  return crypto.subtle.verify({ name: "Ed25519" }, known, bytesOf(signature), said);
}
