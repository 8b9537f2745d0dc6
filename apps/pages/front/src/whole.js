// Countries that the antimeridian cuts, made whole: without it they are stripes across the map.

export function whole(countries) {
  return {
    type: "FeatureCollection",
    features: countries.features.map((country) => ({
      ...country,
      geometry: { type: "MultiPolygon", coordinates: polygons(country.geometry).flatMap(joined) },
    })),
  };
}

const polygons = ({ type, coordinates }) => (type === "Polygon" ? [coordinates] : coordinates);

// A polygon that leaves the map at one edge is drawn at both: east of 180 and west of -180.
function joined(rings) {
  if (!rings.some(crosses)) return [rings];
  const east = rings.map(unrolled);
  return [east, east.map((ring) => ring.map(([lng, lat]) => [lng - 360, lat]))];
}

const crosses = (ring) => ring.some(([lng], at) => at > 0 && Math.abs(lng - ring[at - 1][0]) > 180);

// Longitudes without the jump from 180 to -180. Antarctica goes once round and stays as it is,
// since its ring would not close.
function unrolled(ring) {
  const east = ring.map(([lng, lat]) => [lng < 0 ? lng + 360 : lng, lat]);
  return crosses(east) ? ring : east;
}
