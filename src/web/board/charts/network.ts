// A road with its junctions: where they lie, how their arms go, how long their queues are. Pure
// functions; the picture goes from west to east and keeps the distances of the road.

import { linear, type Point } from "./scales";

export interface ArmOf {
  /** Where its vehicles come from, in degrees from north. */
  bearing: number;
  /** Vehicles that stand. */
  queue: number;
}

export interface JunctionOf {
  code: string;
  /** Metres from the first junction of the road. */
  distance: number;
  arms: readonly ArmOf[];
}

export interface Drawn {
  code: string;
  x: number;
  y: number;
  arms: { street: readonly [Point, Point]; queue: readonly [Point, Point] | null; queued: number }[];
}

/** A vehicle that stands takes so many metres. */
const A_VEHICLE = 7;
const HEAD = 17;

/** East and south, for a bearing in degrees from north. */
export function towards(bearing: number): Point {
  const radians = (bearing * Math.PI) / 180;
  return [Math.round(Math.sin(radians) * 1000) / 1000, Math.round(-Math.cos(radians) * 1000) / 1000];
}

export interface RoadRoom {
  left: number;
  right: number;
  y: number;
  /** How far side streets go up and down. */
  aside: number;
  /** How far the road goes on beyond its first and last junction. */
  edge: number;
}

/** Junctions on their road; queues by scale, cut where the arm ends. */
export function road(junctions: readonly JunctionOf[], room: RoadRoom): Drawn[] {
  const far = Math.max(1, ...junctions.map((each) => each.distance));
  const x = linear(0, far, room.left, room.right);
  const metre = (room.right - room.left) / far;
  const apart = junctions.length > 1 ? (room.right - room.left) / (junctions.length - 1) : room.aside * 2;
  /** Half the way to the next, or to the edge. */
  const beside = (place: number, east: number): number => {
    const last = east > 0 ? junctions.length - 1 : 0;
    return place === last ? Math.min(apart / 2, room.edge) : apart / 2;
  };
  return junctions.map((junction, place) => {
    const [cx, cy] = [x(junction.distance), room.y];
    return {
      code: junction.code,
      x: cx,
      y: cy,
      arms: junction.arms.map(({ bearing, queue }) => {
        const [east, south] = towards(bearing);
        const long = Math.abs(east) > 0.7 ? beside(place, east) : room.aside;
        const bar = Math.min(long - HEAD, queue * A_VEHICLE * metre);
        const at = (away: number, beside: number): Point => [
          cx + east * away - south * beside,
          cy + south * away + east * beside,
        ];
        return {
          street: [
            [cx, cy],
            [cx + east * long, cy + south * long],
          ] as const,
          queue: bar < 1 ? null : ([at(HEAD, -5), at(HEAD + bar, -5)] as const),
          queued: queue,
        };
      }),
    };
  });
}
