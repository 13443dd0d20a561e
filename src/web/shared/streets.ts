// A made-up city from a seed: streets, blocks, parks, a river. No real place; whoever draws it says so.
// Metres east and north of its middle become degrees. Pure functions.

import type { Feature, FeatureCollection, LineString, Polygon, Position } from "geojson";

/**
 * Where the middle of the made-up streets lies, and metres to a degree there: so that the road of the
 * corridor runs where the junctions of Renmin Road are said to stand (34.7660 north, from 113.6620 east).
 */
export const MIDDLE: readonly [number, number] = [113.66913, 34.77105];
const METRES_NORTH = 110_940;
const METRES_EAST = METRES_NORTH * Math.cos((MIDDLE[1] * Math.PI) / 180) * 1.0034;

export const place = (east: number, north: number): Position => [
  MIDDLE[0] + east / METRES_EAST,
  MIDDLE[1] + north / METRES_NORTH,
];

/** Numbers from 0 to 1, always the same from a seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const WEST = -7200;
const EAST = 7200;
const SOUTH = -4200;
const NORTH = 8200;
/** The road of the corridor: north of the middle, its first junction at this place. */
export const CORRIDOR_NORTH = -560;
const CORRIDOR_EAST = -650;
/** Where junctions of the corridor lie that has its first four 450 m apart. */
const CROSSINGS = [0, 450, 900, 1350];

/** Where on the made-up corridor a junction lies, by its distance from the first. */
export const onCorridor = (distance: number): Position => place(CORRIDOR_EAST + distance, CORRIDOR_NORTH);

interface Box {
  west: number;
  east: number;
  south: number;
  north: number;
}

export interface City {
  streets: FeatureCollection<LineString, { main: boolean }>;
  parks: FeatureCollection<Polygon>;
  river: FeatureCollection<Polygon>;
  blocks: FeatureCollection<Polygon, { high: number; light: number }>;
}

/** Lines some hundred metres apart, through those that are given. */
function grid(random: () => number, from: number, to: number, through: readonly number[]): number[] {
  const found = [...through];
  for (let at = from; at < to; at += 370 + random() * 150) {
    if (through.every((fixed) => Math.abs(fixed - at) > 200)) found.push(Math.round(at));
  }
  return found.sort((a, b) => a - b);
}

const river = (east: number): number => 1500 + 420 * Math.sin(east / 1500 + 0.6) + 120 * Math.sin(east / 520);

/** Towers stand in three places. */
const towers = (east: number, north: number): number =>
  Math.exp(-((east - 250) ** 2 + (north + 250) ** 2) / 9e5) +
  0.85 * Math.exp(-((east - 2600) ** 2 + (north - 700) ** 2) / 5e5) +
  0.5 * Math.exp(-((east + 2500) ** 2 + (north + 500) ** 2) / 4e5);

const polygon = <P>({ west, east, south, north }: Box, properties: P): Feature<Polygon, P> => ({
  type: "Feature",
  properties,
  geometry: {
    type: "Polygon",
    coordinates: [
      [place(west, south), place(east, south), place(east, north), place(west, north), place(west, south)],
    ],
  },
});

const line = (from: Position, to: Position, main: boolean): Feature<LineString, { main: boolean }> => ({
  type: "Feature",
  properties: { main },
  geometry: { type: "LineString", coordinates: [from, to] },
});

const collection = <F extends Feature>(features: F[]) => ({ type: "FeatureCollection" as const, features });

function streetsOf(easts: readonly number[], norths: readonly number[]): City["streets"] {
  const main = (at: number, place: number, fixed: number | null): boolean => at === fixed || place % 4 === 1;
  return {
    type: "FeatureCollection",
    features: [
      ...easts.map((east, at) => line(place(east, SOUTH), place(east, NORTH), main(east, at, null))),
      ...norths.map((north, at) => line(place(WEST, north), place(EAST, north), main(north, at, CORRIDOR_NORTH))),
    ],
  };
}

function riverOf(): City["river"] {
  const edge = (aside: number): Position[] => {
    const found: Position[] = [];
    for (let east = WEST; east <= EAST; east += 120) found.push(place(east, river(east) + aside));
    return found;
  };
  const south = edge(-75);
  const ring = [...south, ...edge(75).reverse(), south[0] as Position];
  return collection([{ type: "Feature", properties: null, geometry: { type: "Polygon", coordinates: [ring] } }]);
}

/** Houses of a block: two by two or three, none in the river. */
function housesOf(block: Box, random: () => number): City["blocks"]["features"] {
  const [across, along] = [2, 2 + Math.floor(random() * 1.6)];
  const wide = (block.east - block.west) / across;
  const deep = (block.north - block.south) / along;
  const found: City["blocks"]["features"] = [];
  for (let i = 0; i < across; i++) {
    for (let j = 0; j < along; j++) {
      if (random() < 0.1) continue;
      const [west, south] = [block.west + i * wide, block.south + j * deep];
      const [east, north] = [west + wide / 2, south + deep / 2];
      if (Math.abs(north - river(east)) < 110 + deep / 2) continue;
      const tall = towers(east, north);
      const high = 24 + random() * 46 + tall * random() * random() * 430 + (random() < 0.16 * tall ? 160 : 0);
      const inset = (high > 110 ? 0.28 : high > 60 ? 0.16 : 0.06) * Math.min(wide, deep);
      const box = {
        west: west + 8 + inset,
        east: west + wide - 8 - inset,
        south: south + 8 + inset,
        north: south + deep - 8 - inset,
      };
      found.push(polygon(box, { high: Math.round(high), light: Math.round(random() * 100) / 100 }));
    }
  }
  return found;
}

/** From the middle of a street to the houses: wider than streets are, to be seen from across a room. */
const STREET = 34;
/** Beyond this many metres there are streets and no houses. */
const BUILT = 5200;

/** The same city for the same seed. */
export function madeUpCity(seed = 11): City {
  const random = chance(seed);
  const easts = grid(random, WEST, EAST, CROSSINGS.map((at) => CORRIDOR_EAST + at));
  const norths = grid(random, SOUTH, NORTH, [CORRIDOR_NORTH]);
  const parks: City["parks"]["features"] = [];
  const blocks: City["blocks"]["features"] = [];
  for (let i = 0; i < easts.length - 1; i++) {
    for (let j = 0; j < norths.length - 1; j++) {
      const block = {
        west: (easts[i] as number) + STREET,
        east: (easts[i + 1] as number) - STREET,
        south: (norths[j] as number) + STREET,
        north: (norths[j + 1] as number) - STREET,
      };
      if (random() < 0.06) parks.push(polygon(block, null));
      else if (Math.hypot(block.west, block.south - 1200) < BUILT) blocks.push(...housesOf(block, random));
    }
  }
  return {
    streets: streetsOf(easts, norths),
    parks: collection(parks),
    river: riverOf(),
    blocks: { type: "FeatureCollection", features: blocks },
  };
}
