import { describe, expect, it } from "vitest";
import { difference, HEIGHT, lightOf, lumaOf, Watch, WIDTH } from "./measuring";

const grey = (value: number): Float32Array => new Float32Array(WIDTH * HEIGHT).fill(value);

describe("what a page can tell of a picture", () => {
  it("knows light from dark, and one picture from another", () => {
    expect(lumaOf(new Uint8ClampedArray([255, 255, 255, 255, 0, 0, 0, 255]))).toEqual(new Float32Array([255, 0]));
    expect(lightOf(grey(40))).toBe(40);
    expect(difference(grey(40), grey(52))).toBe(12);
  });

  it("takes a picture once it stands still in good light", () => {
    const watch = new Watch();
    expect(watch.see(grey(120), 0).take).toBe(false);
    expect(watch.see(grey(121), 120).take).toBe(false);
    expect(watch.see(grey(120), 600)).toEqual({ light: "good", steady: true, take: true });
  });

  it("waits for another picture after each, and never takes one in the dark", () => {
    const watch = new Watch();
    watch.took(grey(120));
    for (const at of [0, 120, 240, 700]) expect(watch.see(grey(121), at).take).toBe(false);
    watch.see(grey(150), 800);
    watch.see(grey(150), 920);
    expect(watch.see(grey(150), 1400).take).toBe(true);
    watch.again();
    for (const at of [0, 120, 700]) expect(watch.see(grey(20), at)).toMatchObject({ light: "dark", take: false });
  });
});
