// How a page begins: somebody comes back from the issuer, has signed out, or opens an address.

import { useSession } from "./session";

/**
 * Where to begin, within the client; null where the page is being left, or shows a notice alone.
 * `signsIn`: nobody sees this client without signing in.
 */
export async function arrive(base: string, signsIn: boolean): Promise<string | null> {
  const session = useSession();
  session.open(base);
  let path = location.pathname + location.search + location.hash;
  if (location.pathname === `${base}/signed-out`) {
    session.leave();
    return "/";
  }
  if (location.pathname === `${base}/signed-in`) {
    const back = await session.comeBack(location.search);
    if (back === null) return null;
    path = back;
  }
  if (!session.signedIn && session.notice === null && (signsIn || session.wasSignedIn())) {
    await session.signIn(path, signsIn ? undefined : "none");
    if (session.notice === null) return null; // it is being left
  }
  return path.startsWith(`${base}/`) ? path.slice(base.length) : "/";
}
