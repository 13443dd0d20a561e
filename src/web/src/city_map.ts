// Where problems are: squares over the outlines of the districts, as numbers for a picture.
// Free of the document, so that it can be tested by itself.

export type Ring = readonly (readonly [number, number])[];

export interface District {
  name: string;
  /** Outlines as `[longitude, latitude]`. */
  rings: Ring[];
}

export interface Box {
  west: number;
  south: number;
  east: number;
  north: number;
}

/** Read the districts of a GeoJSON FeatureCollection; what is not one gives none. */
export function districtsOf(answer: unknown): District[] {
  const features = (answer as { features?: unknown } | null)?.features;
  if (!Array.isArray(features)) return [];
  return features.flatMap((feature: unknown) => {
    const { properties, geometry } = (feature ?? {}) as {
      properties?: { name_en?: unknown };
      geometry?: { type?: unknown; coordinates?: unknown };
    };
    const polygons = geometry?.type === "Polygon" ? [geometry.coordinates] : geometry?.coordinates;
    if (!Array.isArray(polygons) || typeof properties?.name_en !== "string") return [];
    return [{ name: properties.name_en, rings: (polygons as Ring[][]).flatMap((polygon) => polygon) }];
  });
}

/** The box around all districts. */
export function boxAround(districts: readonly District[]): Box | null {
  const points = districts.flatMap((district) => district.rings.flat());
  if (points.length === 0) return null;
  const east = points.map((point) => point[0]);
  const north = points.map((point) => point[1]);
  return {
    west: Math.min(...east),
    south: Math.min(...north),
    east: Math.max(...east),
    north: Math.max(...north),
  };
}

/** From degrees to units of the picture: `height` units high, north up, true at the middle. */
export class Projection {
  readonly width: number;
  private readonly perDegree: number;
  private readonly shrink: number;

  constructor(
    private readonly box: Box,
    readonly height: number,
  ) {
    this.perDegree = height / (box.north - box.south);
    this.shrink = Math.cos((((box.north + box.south) / 2) * Math.PI) / 180);
    this.width = (box.east - box.west) * this.perDegree * this.shrink;
  }

  x(longitude: number): number {
    return (longitude - this.box.west) * this.perDegree * this.shrink;
  }

  y(latitude: number): number {
    return (this.box.north - latitude) * this.perDegree;
  }

  /** An outline as SVG path data. */
  path(ring: Ring): string {
    const points = ring.map(([east, north]) => `${this.x(east).toFixed(1)} ${this.y(north).toFixed(1)}`);
    return `M${points.join("L")}Z`;
  }
}

/** How strongly a square is drawn, from 0 to 1: by the root, so that single reports show, too. */
export const strength = (count: number, most: number): number => (most > 0 ? Math.sqrt(count / most) : 0);
