// Photos on their way to the city, which keeps them without what the camera wrote beside them.

import { api, ask } from "../../shared/api";

/** Send a photo; the digest that evidence names. */
export async function upload(photo: Blob): Promise<string> {
  const { sha256 } = await ask(
    api.POST("/v1/photos", {
      body: "" as never,
      bodySerializer: () => photo,
      headers: { "Content-Type": photo.type },
    }),
  );
  return sha256;
}
