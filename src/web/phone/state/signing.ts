// Signing in and out, as the phone does it: nothing of the person stays on it afterwards.

import { useSession } from "../../shared/session";
import { forgetHalf } from "./half";
import { useSending } from "./sending";

/** Sign in, and come back to this path of the phone's. */
export async function signIn(returnTo: string): Promise<void> {
  await useSession().signIn(`/m${returnTo}`);
}

/** Sign out everywhere; what waited to be sent is gone. */
export async function signOut(): Promise<void> {
  await useSending().forget();
  forgetHalf();
  await useSession().signOut();
}
