import { run } from "../shared/client";
import { client } from "./client";
import { followTheme } from "./state/theme";

followTheme();
void run(client);

// It is kept for a day, so that it opens without a network.
if ("serviceWorker" in navigator) {
  addEventListener("load", () => void navigator.serviceWorker.register("/m/sw.js", { scope: "/m/" }).catch(() => undefined));
}
