// A text as a file of the user's: made in the page, asked of nobody.

import { saveFile } from "../../shared/saving";

/** Offer `text` for saving under `name`. */
export function save(name: string, text: string): void {
  saveFile(name, new Blob([text], { type: "application/x-ndjson" }));
}
