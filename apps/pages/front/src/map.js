// The map of the first page: every public device, clustered, coloured by status, filtered.
import L from "leaflet";
import "leaflet/dist/leaflet.css";
import Supercluster from "supercluster";
import { feature } from "topojson-client";
import { ago, config, element, fetchJson, fill, number, onTheme, token } from "./config.js";
import { suggest } from "./suggest.js";
import { whole } from "./whole.js";

const MOST_LISTED = 40;
const FINE_FROM_ZOOM = 4;
const STATUS_TOKENS = { online: "--online", offline: "--offline", new: "--fresh" };

const texts = config.texts;
const form = document.getElementById("filters");
const list = document.getElementById("in-view");
const count = document.getElementById("count");

const map = L.map("map", {
  worldCopyJump: true,
  minZoom: 1,
  maxZoom: config.tile_url ? 18 : 12,
  zoomControl: false,
  preferCanvas: true,
  attributionControl: Boolean(config.tile_url),
});
L.control.zoom({ zoomInTitle: texts.zoom_in, zoomOutTitle: texts.zoom_out }).addTo(map);
if (config.tile_url) L.tileLayer(config.tile_url, { attribution: config.tile_attribution, maxZoom: 18 }).addTo(map);

// Land has a canvas of its own, below the devices: it comes later than they do, and again when finer.
map.createPane("land").style.zIndex = 350;
const landCanvas = L.canvas({ pane: "land" });
const land = L.layerGroup().addTo(map);
const marks = L.layerGroup().addTo(map);
let devices = [];
let shown = [];
let index = new Supercluster();
let measurements = new Map();
let countries = null;

function place() {
  const [lat, lng, zoom] = location.hash.slice(1).split(",").map(Number);
  if ([lat, lng, zoom].every(Number.isFinite) && Math.abs(lat) <= 90) map.setView([lat, lng], zoom);
  else map.setView([30, 5], map.getSize().x < 600 ? 1 : 2);
}

function remember() {
  const { lat, lng } = map.getCenter().wrap();
  history.replaceState(null, "", `#${lat.toFixed(4)},${lng.toFixed(4)},${map.getZoom()}`);
}

async function drawCountries(scale) {
  if (config.tile_url || countries === scale) return;
  countries = scale;
  const topology = await fetchJson(config[`countries_${scale}`]);
  if (countries !== scale) return;
  land.clearLayers();
  L.geoJSON(whole(feature(topology, topology.objects.countries)), {
    interactive: false,
    pane: "land",
    renderer: landCanvas,
    style: () => ({ fillColor: token("--land"), fillOpacity: 1, color: token("--border"), weight: 0.7 }),
  }).addTo(land);
}

function chosen() {
  const { measurement, status, exposure } = Object.fromEntries(new FormData(form));
  const sensors = measurement ? measurements.get(measurement) : null;
  return devices.filter(
    (device) =>
      (!status || device.status === status) &&
      (!exposure || device.exposure === exposure) &&
      (!sensors || sensors.some((id) => device.sensors.includes(id))),
  );
}

function indexDevices() {
  index = new Supercluster({ radius: 48, maxZoom: 11, map: ({ online }) => ({ online }), reduce: (sum, { online }) => { sum.online += online; } });
  shown = chosen();
  index.load(
    shown.map((device) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [device.longitude, device.latitude] },
      properties: { device, online: device.status === "online" ? 1 : 0 },
    })),
  );
  draw();
}

function draw() {
  marks.clearLayers();
  const view = map.getBounds().pad(0.2);
  const box = [view.getWest(), Math.max(-90, view.getSouth()), view.getEast(), Math.min(90, view.getNorth())];
  for (const found of index.getClusters(box, Math.round(map.getZoom()))) {
    const [lng, lat] = found.geometry.coordinates;
    const mark = found.properties.cluster ? clusterMark(found, [lat, lng]) : deviceMark(found.properties.device, [lat, lng]);
    mark.addTo(marks);
  }
  listInView();
}

function clusterMark(cluster, at) {
  const { point_count: size, online, cluster_id: id } = cluster.properties;
  const width = 26 + 6 * Math.log10(size) ** 1.6;
  const icon = L.divIcon({ className: `cluster${online ? " live" : ""}`, html: number.format(size), iconSize: [width, width] });
  // The list beside the map is for the keyboard: hundreds of stops on the map would be none.
  const mark = L.marker(at, { icon, keyboard: false });
  mark.on("click", () => map.setView(at, Math.min(index.getClusterExpansionZoom(id), map.getMaxZoom())));
  return mark;
}

function deviceMark(device, at) {
  const mark = L.circleMarker(at, {
    radius: 7,
    weight: 2,
    color: token("--surface"),
    fillColor: token(STATUS_TOKENS[device.status]),
    fillOpacity: 1,
  });
  mark.bindPopup(() => described(device));
  return mark;
}

function described(device) {
  return element(
    "div",
    { class: "popup" },
    element("a", { href: `/ui/devices/${device.id}` }, device.name),
    element("span", { class: `status ${device.status}` }, texts[device.status]),
    element("span", { class: "quiet" }, ago(device.last_reading_at)),
  );
}

function listInView() {
  const view = map.getBounds();
  const [west, south, east, north] = [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()];
  const seen = shown.filter(({ latitude, longitude }) => longitude >= west && longitude <= east && latitude >= south && latitude <= north);
  count.textContent = fill(seen.length === 1 ? texts.one_in_view : texts.in_view, { n: number.format(seen.length) });
  // Not localeCompare, which takes a third of a second for 20,000 of them
  seen.sort(({ last_reading_at: one }, { last_reading_at: other }) => (one === other ? 0 : (one ?? "") < (other ?? "") ? 1 : -1));
  list.replaceChildren(
    ...seen.slice(0, MOST_LISTED).map((device) =>
      element(
        "li",
        {},
        element(
          "a",
          { href: `/ui/devices/${device.id}` },
          element("strong", {}, device.name),
          element("span", { class: "quiet small" }, [device.city, ago(device.last_reading_at)].filter(Boolean).join(" · ")),
          element("span", { class: `status ${device.status}` }, texts[device.status]),
        ),
      ),
    ),
  );
}

// Devices of the columns in which they come (apps/devices/map_marks.py).
function ofColumns({ sensor_sets: sets, sensors, ...columns }) {
  const names = Object.keys(columns);
  return sensors.map((set, row) => {
    const device = { sensors: sets[set] };
    for (const name of names) device[name] = columns[name][row];
    return device;
  });
}

async function loadMeasurements() {
  const sensors = await fetchJson("/v0/sensors?per_page=1000");
  for (const { id, measurement } of sensors) {
    if (measurement) measurements.set(measurement.name, [...(measurements.get(measurement.name) ?? []), id]);
  }
  const names = [...measurements.keys()].sort();
  form.elements.measurement.append(...names.map((name) => element("option", { value: name }, name)));
}

function nearMe(button) {
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      button.disabled = false;
      map.setView([coords.latitude, coords.longitude], 11);
    },
    () => {
      button.disabled = false;
      count.textContent = texts.no_position;
    },
    { timeout: 10000, maximumAge: 600000 },
  );
}

place();
drawCountries(map.getZoom() >= FINE_FROM_ZOOM ? "50m" : "110m");
form.addEventListener("change", indexDevices);
const near = document.getElementById("near-me");
if ("geolocation" in navigator) near.addEventListener("click", () => nearMe(near));
else near.hidden = true;
map.on("moveend", () => {
  remember();
  if (map.getZoom() >= FINE_FROM_ZOOM) drawCountries("50m");
  draw();
});
addEventListener("hashchange", place);
onTheme(() => {
  const scale = countries;
  countries = null;
  if (scale) drawCountries(scale);
  draw();
});
suggest(document.getElementById("search"), texts);
document.documentElement.dataset.map = "interactive";
Promise.all([fetchJson(config.marks_url), loadMeasurements()])
  .then(([found]) => {
    devices = ofColumns(found);
    indexDevices();
    document.documentElement.dataset.map = "ready";
  })
  .catch((error) => {
    count.textContent = fill(texts.map_failed, { why: error.message });
  });
