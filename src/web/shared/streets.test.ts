// The made-up city.

import { expect, test } from "vitest";
import { madeUpCity, onCorridor, place } from "./streets";

test("a seed makes one city, another another", () => {
  expect(madeUpCity(3)).toEqual(madeUpCity(3));
  expect(madeUpCity(3).blocks).not.toEqual(madeUpCity(4).blocks);
});

test("there are about two thousand houses, and none stands on a street of the corridor", () => {
  const city = madeUpCity();
  expect(city.blocks.features.length).toBeGreaterThan(1500);
  expect(city.blocks.features.length).toBeLessThan(4000);
  for (const distance of [0, 450, 900, 1350]) {
    const [longitude, latitude] = onCorridor(distance) as [number, number];
    for (const { geometry } of city.blocks.features) {
      const [west, , east, north] = [geometry.coordinates[0]?.[0], 0, geometry.coordinates[0]?.[1], geometry.coordinates[0]?.[2]];
      const inside =
        longitude > (west?.[0] ?? 0) && longitude < (east?.[0] ?? 0) && latitude > (west?.[1] ?? 0) && latitude < (north?.[1] ?? 0);
      expect(inside).toBe(false);
    }
  }
});

test("the road of the corridor runs where its first and its last junction stand", () => {
  for (const [distance, east] of [[0, 113.662], [1350, 113.6768]] as const) {
    const [longitude, latitude] = onCorridor(distance) as [number, number];
    expect(Math.abs(longitude - east)).toBeLessThan(0.0002);
    expect(Math.abs(latitude - 34.766)).toBeLessThan(0.0001);
  }
});

test("metres become degrees", () => {
  const [here, there] = [place(0, 0), place(1000, 1000)];
  expect(((there[1] as number) - (here[1] as number)) * 110_940).toBeCloseTo(1000);
});
