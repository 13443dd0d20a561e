// Photos on the phone: made smaller before they are kept or sent, which takes off what the camera
// wrote beside the picture; shown on a canvas, because the pages allow no address but the city's.

const LONGER_SIDE = 1600;
const JPEG_QUALITY = 0.85;

/** The picture, its longer side so many pixels at most, as a JPEG without metadata. */
export async function shrunk(file: Blob, most = LONGER_SIDE): Promise<Blob> {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, most / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  draw(picture, canvas, scale);
  picture.close();
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
  if (blob === null) throw new TypeError("the picture cannot be packed");
  return blob;
}

/** Draw it to fill the width of a canvas. */
export async function show(file: Blob, canvas: HTMLCanvasElement): Promise<void> {
  const picture = await createImageBitmap(file);
  draw(picture, canvas, Math.min(1, LONGER_SIDE / 2 / Math.max(picture.width, picture.height)));
  picture.close();
}

function draw(picture: ImageBitmap, canvas: HTMLCanvasElement, scale: number): void {
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
}
