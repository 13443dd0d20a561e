// The camera that looks at the person. Pictures are handed over once and are kept nowhere; the
// preview is a mirror, the pictures are not.

import { HEIGHT, lumaOf, WIDTH } from "./measuring";

const LONGER_SIDE = 640;
const JPEG_QUALITY = 0.92;
const PORTRAIT = 3 / 4;

let source = (): Promise<MediaStream> =>
  navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 640 } },
  });

/** For stories: look at something else than the phone's camera. */
export function replaceCamera(other: () => Promise<MediaStream>): void {
  source = other;
}

/** Open it; throws where the person or the phone does not allow it. */
export async function openCamera(video: HTMLVideoElement): Promise<MediaStream> {
  const stream = await source();
  video.srcObject = stream;
  await video.play();
  return stream;
}

/** Close it. */
export function closeCamera(stream: MediaStream | null): void {
  stream?.getTracks().forEach((track) => track.stop());
}

/** The luma of the picture as it is now; null while there is none. */
export function lookThrough(video: HTMLVideoElement, canvas: HTMLCanvasElement): Float32Array | null {
  const context = drawn(video, canvas, WIDTH, HEIGHT);
  return context === null ? null : lumaOf(context.getImageData(0, 0, WIDTH, HEIGHT).data);
}

/** The picture as it is now: JPEG in base64. */
export async function takePicture(video: HTMLVideoElement, canvas: HTMLCanvasElement): Promise<string | null> {
  if (drawn(video, canvas, LONGER_SIDE * PORTRAIT, LONGER_SIDE) === null) return null;
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
  canvas.width = 0; // nothing of it stays
  return blob === null ? null : base64(new Uint8Array(await blob.arrayBuffer()));
}

/** Draw the upright middle of the picture. */
function drawn(
  video: HTMLVideoElement,
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const [wide, high] = [video.videoWidth, video.videoHeight];
  if (wide === 0 || high === 0) return null;
  const cutWide = Math.min(wide, high * PORTRAIT);
  const cutHigh = Math.min(high, cutWide / PORTRAIT);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context?.drawImage(video, (wide - cutWide) / 2, (high - cutHigh) / 2, cutWide, cutHigh, 0, 0, width, height);
  return context;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const each of bytes) text += String.fromCharCode(each);
  return btoa(text);
}
