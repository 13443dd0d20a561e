// How the twin looks: a MapLibre style over the made-up streets, in the tokens' colours. No tiles, no
// glyphs, no sprite: nothing is fetched.

import type { LayerSpecification, SourceSpecification, StyleSpecification } from "maplibre-gl";
import type { FeatureCollection } from "geojson";
import { MIDDLE, type City } from "../../shared/streets";

export type Colours = (name: string) => string;

export const SOURCES = ["zones", "queues", "cases", "squares", "junctions"] as const;
export type SourceName = (typeof SOURCES)[number];

export const nothing = (): FeatureCollection => ({ type: "FeatureCollection", features: [] });

/** Where the camera stands. */
export interface Camera {
  center: [number, number];
  zoom: number;
  pitch: number;
  bearing: number;
}

/** West of the middle: streets are made up to there, and most of what is reported lies there. */
export const CAMERA: Camera = { center: [MIDDLE[0] - 0.0106, MIDDLE[1] - 0.0086], zoom: 13.12, pitch: 57, bearing: 21 };

/** Wide enough at a height of the window: the same part of the city on every screen. */
export const zoomFor = (width: number, camera = CAMERA): number => camera.zoom + Math.log2(Math.max(200, width) / 1260);

function ground(colour: Colours): LayerSpecification[] {
  return [
    { id: "land", type: "background", paint: { "background-color": colour("--surface") } },
    { id: "park", type: "fill", source: "parks", paint: { "fill-color": colour("--good-soft") } },
    { id: "river", type: "fill", source: "river", paint: { "fill-color": colour("--focus"), "fill-opacity": 0.16 } },
    {
      id: "street",
      type: "line",
      source: "streets",
      paint: {
        "line-color": ["case", ["get", "main"], colour("--ghost"), colour("--rule")],
        "line-opacity": ["case", ["get", "main"], 0.75, 1],
        "line-width": ["interpolate", ["exponential", 2], ["zoom"], 11, ["case", ["get", "main"], 2, 1.2], 16, ["case", ["get", "main"], 46, 24]],
      },
    },
  ];
}

const houses = (colour: Colours): LayerSpecification => ({
  id: "houses",
  type: "fill-extrusion",
  source: "blocks",
  paint: {
    "fill-extrusion-color": ["interpolate", ["linear"], ["get", "light"], 0, colour("--raised"), 1, colour("--ghost")],
    "fill-extrusion-height": ["get", "high"],
    "fill-extrusion-opacity": 0.9,
  },
});

const byShare = (colour: Colours): unknown[] => [
  "case",
  ["==", ["get", "share"], null],
  colour("--control"),
  ["step", ["get", "share"], colour("--ramp-3"), 0.25, colour("--ramp-4"), 0.5, colour("--ramp-5"), 0.75, colour("--ramp-6")],
];

/** What read models say, above the streets. */
function said(colour: Colours, queue: string, unit: number): LayerSpecification[] {
  return [
    {
      id: "squares",
      type: "fill-extrusion",
      source: "squares",
      paint: {
        "fill-extrusion-color": ["step", ["get", "reported"], colour("--ramp-3"), 2, colour("--ramp-4"), 4, colour("--ramp-5"), 8, colour("--ramp-6")],
        "fill-extrusion-height": ["min", 1600, ["*", 130, ["get", "reported"]]],
        "fill-extrusion-opacity": 0.92,
      },
    },
    {
      id: "zones",
      type: "line",
      source: "zones",
      layout: { "line-cap": "round" },
      paint: { "line-color": byShare(colour) as never, "line-width": 6 * unit },
    },
    {
      id: "queues",
      type: "line",
      source: "queues",
      layout: { "line-cap": "round" },
      paint: { "line-color": queue, "line-width": 5 * unit },
    },
    {
      id: "junctions",
      type: "circle",
      source: "junctions",
      paint: {
        "circle-radius": ["case", ["get", "out"], 9 * unit, 6 * unit],
        "circle-color": ["case", ["get", "out"], colour("--bad"), colour("--accent")],
        "circle-stroke-color": colour("--ground"),
        "circle-stroke-width": 2 * unit,
      },
    },
    {
      id: "cases",
      type: "circle",
      source: "cases",
      paint: {
        // Late is a ring, so that it differs without colours.
        "circle-radius": ["case", ["get", "late"], 5 * unit, 4 * unit],
        "circle-color": ["case", ["get", "late"], colour("--ground"), colour("--ink")],
        "circle-stroke-color": ["case", ["get", "late"], colour("--bad"), colour("--ground")],
        "circle-stroke-width": ["case", ["get", "late"], 3 * unit, unit],
      },
    },
  ];
}

/** The whole style; `unit`: pixels of a board unit, so that marks are as large as texts on every wall. */
export function styleOf(city: City, colour: Colours, unit = 1): StyleSpecification {
  const source = (data: FeatureCollection): SourceSpecification => ({ type: "geojson", data });
  return {
    version: 8,
    sources: {
      streets: source(city.streets),
      parks: source(city.parks),
      river: source(city.river),
      blocks: source(city.blocks),
      ...Object.fromEntries(SOURCES.map((name) => [name, source(nothing())])),
    },
    light: { anchor: "viewport", intensity: 0.35, position: [1.2, 200, 40] },
    layers: [...ground(colour), houses(colour), ...said(colour, colour("--queue"), unit)],
  };
}
