// Without a GPU a frame costs as much as it has pixels: while somebody drags a map that is slow, it is
// drawn with a quarter of them.

import type { Map as MapOf } from "maplibre-gl";

/** Eleven frames a second: slower is jerky. */
const SLOW_MS = 90;
const COARSE = 0.5;

/** Whether frames of this many milliseconds after each other are too slow. */
export const isSlow = (milliseconds: number): boolean => milliseconds > SLOW_MS;

/** Watch a map for as long as it lives. */
export function coarseWhileSlow(map: MapOf): void {
  let last: number | null = null;
  let coarse = false;
  map.on("dragstart", () => (last = performance.now()));
  map.on("render", () => {
    if (last === null || coarse) return;
    const now = performance.now();
    coarse = isSlow(now - last);
    last = now;
    if (coarse) map.setPixelRatio(COARSE * devicePixelRatio);
  });
  map.on("dragend", () => {
    last = null;
    if (coarse) map.setPixelRatio(devicePixelRatio);
    coarse = false;
  });
}
