// Picks the place of a device on a map; the two numbers beside it stay what is sent.
import L from "leaflet";
import "leaflet/dist/leaflet.css";
import { feature } from "topojson-client";
import { config, element, fetchJson, onTheme, token } from "./config.js";
import { whole } from "./whole.js";

const texts = config.texts;
const box = document.getElementById("place");
const latitude = document.getElementById("latitude");
const longitude = document.getElementById("longitude");

box.hidden = false;
box.setAttribute("role", "region");
box.setAttribute("aria-label", texts.map);
const map = L.map(box, { zoomControl: false, attributionControl: false, worldCopyJump: true, maxZoom: 14 });
L.control.zoom({ zoomInTitle: texts.zoom_in, zoomOutTitle: texts.zoom_out }).addTo(map);
const mark = L.circleMarker([0, 0], { radius: 9, weight: 3 });
let land = null;
let countries = null;

function paint() {
  mark.setStyle({ color: token("--surface"), fillColor: token("--accent"), fillOpacity: 1 });
  if (!countries) return;
  land?.remove();
  land = L.geoJSON(countries, { interactive: false, style: () => ({ fillColor: token("--land"), fillOpacity: 1, color: token("--border"), weight: 0.7 }) }).addTo(map);
  land.bringToBack();
}

function typed() {
  const at = [latitude, longitude].map(({ value }) => (value.trim() ? Number(value) : NaN));
  return at.every(Number.isFinite) && Math.abs(at[0]) <= 90 && Math.abs(at[1]) <= 180 ? at : null;
}

function show(zoom) {
  const at = typed();
  if (!at) return mark.remove();
  mark.setLatLng(at).addTo(map);
  map.setView(at, zoom ?? map.getZoom());
}

function put({ lat, lng }) {
  latitude.value = lat.toFixed(6);
  longitude.value = lng.toFixed(6);
  mark.setLatLng([lat, lng]).addTo(map);
}

if (typed()) show(9);
else map.setView([30, 5], 1);
paint();
map.on("click", ({ latlng }) => put(latlng.wrap()));
for (const field of [latitude, longitude]) field.addEventListener("change", () => show());
onTheme(paint);
fetchJson(config.countries).then((topology) => {
  countries = whole(feature(topology, topology.objects.countries));
  paint();
});

if ("geolocation" in navigator) {
  const here = element("button", { type: "button" }, texts.here);
  const said = element("p", { class: "hint", role: "status" });
  box.after(here, said);
  here.addEventListener("click", () =>
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        put({ lat: coords.latitude, lng: coords.longitude });
        show(12);
      },
      () => (said.textContent = texts.no_position),
      { timeout: 10000 },
    ),
  );
}
