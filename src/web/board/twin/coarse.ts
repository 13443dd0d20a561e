// Without a GPU a frame costs as much as it has pixels: while somebody drags such a map it has a
// quarter of them.

import type { Map as MapOf } from "maplibre-gl";

const COARSE = 0.5;
const SOFTWARE = /swiftshader|llvmpipe|software/i;

/** Whether processors draw, by what the renderer calls itself. */
export const inSoftware = (renderer: string): boolean => SOFTWARE.test(renderer);

/** What draws here. */
export function rendererOf(gl: WebGL2RenderingContext): string {
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(named?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
}

/** For as long as the map lives. A change of the ratio ends a drag, so it comes before and after one. */
export function coarseWhileDragged(map: MapOf): void {
  let down = false;
  const begin = (): void => {
    down = true;
    map.setPixelRatio(COARSE * devicePixelRatio);
  };
  const end = (): void => {
    if (!down) return;
    down = false;
    map.once("idle", () => down || map.setPixelRatio(devicePixelRatio));
    map.triggerRepaint();
  };
  map.getContainer().addEventListener("pointerdown", begin, { capture: true });
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
  map.on("remove", () => {
    removeEventListener("pointerup", end);
    removeEventListener("pointercancel", end);
  });
}
