// The made-up streets as paths of an SVG: what of them is in view.

import type { Position } from "geojson";
import { madeUpCity, type City } from "../../shared/streets";

/** Where a place lies in the picture, in pixels. */
export type ToPixels = (place: Position) => readonly [number, number];
export interface Drawn {
  streets: string;
  mains: string;
  parks: string;
  river: string;
  houses: string;
}

/** So far away a house is a dot: streets alone are drawn. */
const HOUSES_WITHIN = 12; // metres a pixel
const ASIDE_PX = 120;
let city: City | null = null;

/** The paths of a picture so wide and high; `metresPerPx` says how near one looks. */
export function drawn(toPixels: ToPixels, width: number, height: number, metresPerPx: number): Drawn {
  city ??= madeUpCity();
  const path = (places: readonly Position[]): string => `M${places.map((each) => toPixels(each).map((at) => at.toFixed(1)).join(" ")).join("L")}`;
  const near = (places: readonly Position[]): boolean => {
    const [x, y] = toPixels(places[0] as Position);
    return x > -ASIDE_PX && y > -ASIDE_PX && x < width + ASIDE_PX && y < height + ASIDE_PX;
  };
  const areas = (features: readonly { geometry: { coordinates: Position[][] } }[]): string =>
    features.map(({ geometry }) => geometry.coordinates[0] ?? []).filter(near).map((ring) => `${path(ring)}Z`).join("");
  const lines = (main: boolean): string =>
    (city as City).streets.features.filter(({ properties }) => properties.main === main).map(({ geometry }) => path(geometry.coordinates)).join("");
  return {
    streets: lines(false),
    mains: lines(true),
    parks: areas(city.parks.features),
    river: city.river.features.map(({ geometry }) => `${path(geometry.coordinates[0] ?? [])}Z`).join(""),
    houses: metresPerPx > HOUSES_WITHIN ? "" : areas(city.blocks.features),
  };
}
