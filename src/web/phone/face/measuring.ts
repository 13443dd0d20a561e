// What a page can tell of a camera's picture without knowing faces: how light it is, whether it
// stands still, whether it has changed since the last picture that was taken. Values are of luma, 0
// to 255 (ITU-R BT.601), of a small copy in which the noise of the sensor has been averaged away.

export const WIDTH = 48;
export const HEIGHT = 64;

const DARK = 55;
const BRIGHT = 215;
const STILL = 2;
const MOVED = 3.5;
const STILL_MS = 450;

/** Luma of a picture's pixels (RGBA). */
export function lumaOf(pixels: Uint8ClampedArray): Float32Array {
  const luma = new Float32Array(pixels.length / 4);
  for (let at = 0; at < luma.length; at++) {
    const [red, green, blue] = [pixels[4 * at] ?? 0, pixels[4 * at + 1] ?? 0, pixels[4 * at + 2] ?? 0];
    luma[at] = 0.299 * red + 0.587 * green + 0.114 * blue;
  }
  return luma;
}

/** The mean of the middle, where the face is. */
export function lightOf(luma: Float32Array): number {
  let sum = 0;
  let counted = 0;
  for (let y = HEIGHT / 4; y < (HEIGHT * 3) / 4; y++) {
    for (let x = WIDTH / 4; x < (WIDTH * 3) / 4; x++) {
      sum += luma[y * WIDTH + x] ?? 0;
      counted += 1;
    }
  }
  return sum / counted;
}

/** How much two pictures differ, by pixel. */
export function difference(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += Math.abs((one[at] ?? 0) - (other[at] ?? 0));
  return sum / one.length;
}

export interface Seen {
  light: "dark" | "bright" | "good";
  steady: boolean;
  /** The picture has been as it should be for long enough: take it. */
  take: boolean;
}

/** Watches the pictures of one capture, each with the time it came at, in milliseconds. */
export class Watch {
  #before: Float32Array | null = null;
  #taken: Float32Array | null = null;
  #stillSince: number | null = null;

  /** Look at the next picture. */
  see(luma: Float32Array, at: number): Seen {
    const mean = lightOf(luma);
    const light = mean < DARK ? "dark" : mean > BRIGHT ? "bright" : "good";
    const still = this.#before !== null && difference(this.#before, luma) < STILL;
    this.#before = luma;
    if (!still) this.#stillSince = null;
    else this.#stillSince ??= at;
    const steady = this.#stillSince !== null && at - this.#stillSince >= STILL_MS;
    const moved = this.#taken === null || difference(this.#taken, luma) > MOVED;
    return { light, steady, take: steady && moved && light === "good" };
  }

  /** This one was taken: the next has to be another. */
  took(luma: Float32Array): void {
    this.#taken = luma;
    this.#stillSince = null;
  }

  /** Another challenge begins: its first picture, too, is another than the last one was. */
  again(): void {
    this.#before = null;
    this.#stillSince = null;
  }
}
