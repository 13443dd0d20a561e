// A text as a file of the user: made in the page, asked of nobody. A download is nothing that the page
// fetches, so the strict policy allows it as it is.

import { saveFile } from "../../shared/saving";

/** Offer `text` for saving under `name`. */
export function save(name: string, text: string): void {
  saveFile(name, new Blob([text], { type: "application/x-ndjson" }));
}
