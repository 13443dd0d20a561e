// What read models say, as GeoJSON for the twin. Pure functions.

import type { Feature, FeatureCollection } from "geojson";
import type { Arm, Face, Junction } from "../data/snapshot";
import { towards } from "../charts/network";
import { onCorridor, place } from "../../shared/streets";

const collection = (features: Feature[]): FeatureCollection => ({ type: "FeatureCollection", features });

/** A zone of berths with a place. */
export interface Zone {
  id: string;
  longitude: number;
  latitude: number;
}

/** Drawn longer than it is: a row of 70 m would not be seen from across a room. */
const SHOWN_DEGREES = 0.0022;

/** How many of those that are known are taken; `null`: none is known. */
export function shareOf(berths: string): number | null {
  const known = [...berths].filter((letter) => letter !== "u").length;
  return known === 0 ? null : [...berths].filter((letter) => letter === "o").length / known;
}

/** A line for each zone; without `faces` (looked back) its share is not known. */
export function zoneLines(zones: readonly Zone[], faces: readonly Face[] | null): FeatureCollection {
  const berths = new Map((faces ?? []).map((face) => [face.zone_id, face.berths]));
  return collection(
    zones.map(({ id, longitude, latitude }) => ({
      type: "Feature",
      properties: { id, share: shareOf(berths.get(id) ?? "") },
      geometry: {
        type: "LineString",
        coordinates: [
          [longitude - SHOWN_DEGREES / 2, latitude],
          [longitude + SHOWN_DEGREES / 2, latitude],
        ],
      },
    })),
  );
}

export const isOut = (standing: string): boolean => standing === "flashing" || standing === "dark";

/** Junctions on the made-up corridor, by their distance on the real one. */
export function junctionPoints(junctions: readonly Junction[], distances: ReadonlyMap<string, number>): FeatureCollection {
  return collection(
    junctions.flatMap((junction): Feature[] => {
      const distance = distances.get(junction.junction);
      if (distance === undefined) return [];
      return [
        {
          type: "Feature",
          properties: { out: isOut(junction.standing) },
          geometry: { type: "Point", coordinates: onCorridor(distance) },
        },
      ];
    }),
  );
}

const A_VEHICLE = 7;
/** A queue shorter than this many metres is not drawn. */
export const LEAST_QUEUE = 50;

/** Queues of at least 50 m along their arms. */
export function queueLines(junctions: readonly Junction[], distances: ReadonlyMap<string, number>): FeatureCollection {
  const lineOf = (distance: number, arm: Arm): Feature => {
    const [east, south] = towards(arm.bearing);
    const at = (away: number): [number, number] => {
      const [here, there] = onCorridor(distance) as [number, number];
      const [x, y] = place(east * away, -south * away) as [number, number];
      const [x0, y0] = place(0, 0) as [number, number];
      return [here + x - x0, there + y - y0];
    };
    return {
      type: "Feature",
      properties: { queue: arm.queue },
      geometry: { type: "LineString", coordinates: [at(24), at(24 + arm.queue * A_VEHICLE)] },
    };
  };
  return collection(
    junctions.flatMap((junction) => {
      const distance = distances.get(junction.junction);
      if (distance === undefined) return [];
      return junction.arms.filter((arm) => arm.queue * A_VEHICLE >= LEAST_QUEUE).map((arm) => lineOf(distance, arm));
    }),
  );
}

const INSET = 0.12;

/** Columns over the squares in which problems were reported. */
export function squareColumns(
  squares: readonly (readonly [number, number, number])[],
  aDegree: number,
): FeatureCollection {
  return collection(
    squares.map(([north, east, reported]) => {
      const [west, right] = [(east + INSET) / aDegree, (east + 1 - INSET) / aDegree];
      const [south, top] = [(north + INSET) / aDegree, (north + 1 - INSET) / aDegree];
      return {
        type: "Feature",
        properties: { reported },
        geometry: {
          type: "Polygon",
          coordinates: [
            [
              [west, south],
              [right, south],
              [right, top],
              [west, top],
              [west, south],
            ],
          ],
        },
      };
    }),
  );
}
