// The charts of a device: one a sensor, drawn when they come into view; a zoom asks for finer data.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { config, element, fetchJson, fill, onTheme, token } from "./config.js";

const texts = config.texts;
const DAY = 86400;
const RANGES = { day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365 * DAY, all: null };
const POINTS = 600;
const UNITS = { m: 60, h: 3600, d: DAY, w: 7 * DAY, M: 31 * DAY };

// A longer pause than so many buckets is a gap, and is drawn as one.
const GAP = 2.5;

const newest = config.last_reading_at ? Date.parse(config.last_reading_at) / 1000 : Date.now() / 1000;
const oldest = Date.parse(config.added_at) / 1000 - 30 * DAY;
const state = { range: "week", from: 0, to: 0, utc: false };
const charts = [...document.querySelectorAll("[data-sensor]")].map(makeChart);

function setRange(name) {
  state.range = name;
  state.to = Math.ceil(newest / 60) * 60;
  state.from = RANGES[name] ? state.to - RANGES[name] : oldest;
  redraw();
}

function redraw() {
  for (const button of document.querySelectorAll("[data-range]")) {
    button.setAttribute("aria-pressed", String(button.dataset.range === state.range));
  }
  const wanted = new URLSearchParams({ from: iso(state.from), to: iso(state.to), format: "csv" });
  document.getElementById("csv").href = `${config.readings_url}?${wanted}`;
  for (const chart of charts) chart.stale = true;
  for (const chart of charts) if (chart.visible) load(chart);
}

const iso = (seconds) => new Date(seconds * 1000).toISOString().replace(/\.\d+/, "");

function address(sensor) {
  const wanted = new URLSearchParams({ sensor_id: sensor, rollup: "auto", max_points: POINTS, from: iso(state.from), to: iso(state.to) });
  return `${config.readings_url}?${wanted}`;
}

function makeChart(section) {
  const chart = {
    section,
    sensor: section.dataset.sensor,
    name: section.dataset.name,
    unit: section.dataset.unit,
    box: section.querySelector(".chart"),
    said: section.querySelector(".said"),
    call: section.querySelector(".call"),
    other: section.querySelector("select"),
    plot: null,
    stale: true,
    visible: false,
    asked: 0,
  };
  chart.other.addEventListener("change", () => load(chart));
  section.querySelector(".copy").addEventListener("click", (event) => copy(event.currentTarget, chart.call.textContent));
  return chart;
}

async function load(chart) {
  const mine = ++chart.asked;
  chart.stale = false;
  chart.section.setAttribute("aria-busy", "true");
  const other = chart.other.value;
  chart.call.textContent = `curl '${new URL(address(chart.sensor), config.public_url)}'`;
  try {
    const found = await Promise.all([chart.sensor, other].filter(Boolean).map((sensor) => fetchJson(address(sensor))));
    if (mine !== chart.asked) return;
    show(chart, found);
  } catch (error) {
    if (mine === chart.asked) chart.said.textContent = fill(texts.failed, { why: error.message });
  } finally {
    if (mine === chart.asked) chart.section.removeAttribute("aria-busy");
  }
}

function show(chart, found) {
  const [main] = found;
  chart.plot?.destroy();
  chart.plot = null;
  if (found.every(({ readings }) => readings.length === 0)) {
    chart.box.replaceChildren(element("p", { class: "quiet empty" }, texts.no_readings));
    chart.said.textContent = "";
    return;
  }
  chart.box.replaceChildren();
  const data = uPlot.join(found.map(withGaps), found.map(() => [1, 2]));
  chart.plot = new uPlot(options(chart, found), data, chart.box);
  const values = main.readings.map(([, value]) => value).filter((value) => value !== null);
  chart.said.textContent = values.length
    ? fill(texts.summary, { rollup: main.rollup, n: values.length, low: short(Math.min(...values)), high: short(Math.max(...values)), unit: chart.unit })
    : "";
}

// Ascending times and values, with a null wherever nothing came for longer than a few buckets.
function withGaps({ readings, rollup }) {
  const [, n, unit] = rollup.match(/^(\d+)(\w+)$/);
  const pauses = readings.slice(1).map(([time], at) => seconds(readings[at][0]) - seconds(time)).sort((one, other) => one - other);
  const usual = pauses.length ? pauses[Math.floor(pauses.length / 2)] : 0;
  const longest = GAP * Math.max(Number(n) * UNITS[unit], usual);
  const times = [];
  const values = [];
  for (const [time, value] of readings.toReversed?.() ?? [...readings].reverse()) {
    const at = seconds(time);
    if (times.length && at - times[times.length - 1] > longest) {
      times.push(times[times.length - 1] + longest / 2);
      values.push(null);
    }
    times.push(at);
    values.push(value);
  }
  return [times, values];
}

const seconds = (time) => Date.parse(time) / 1000;
const short = (value) => (value === null || value === undefined ? "–" : String(Number(value.toPrecision(5))));

// Times in the reader's language: uPlot's own put the month before the day.
function labels(_plot, times, _axis, _space, step) {
  const zone = state.utc ? { timeZone: "UTC" } : {};
  const said = (options) => new Intl.DateTimeFormat(document.documentElement.lang, { ...zone, ...options });
  const clock = said({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = said({ day: "numeric", month: "short" });
  const month = said({ month: "short", year: "numeric" });
  const form = step >= 28 * DAY ? month : day;
  let before = "";
  return times.map((time) => {
    const at = new Date(time * 1000);
    const date = form.format(at);
    // Within a day the clock; the day once more where it begins
    const label = step >= DAY ? date : date === before ? clock.format(at) : `${clock.format(at)}\n${date}`;
    before = date;
    return label;
  });
}

function options(chart, found) {
  const axis = { stroke: token("--quiet"), grid: { stroke: token("--line"), width: 1 }, ticks: { stroke: token("--line") }, font: `12px ${token("--sans")}` };
  const second = chart.other.selectedOptions[0];
  const lines = [[chart.name, chart.unit, "--accent", "y"], [second?.dataset.name, second?.dataset.unit, "--second", "other"]].slice(0, found.length);
  return {
    width: chart.box.clientWidth,
    height: 220,
    tzDate: (time) => (state.utc ? uPlot.tzDate(new Date(time * 1000), "Etc/UTC") : new Date(time * 1000)),
    cursor: { sync: { key: "device" }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { range: () => [state.from, state.to] } },
    axes: [{ ...axis, values: labels, space: 64 }, { ...axis, scale: "y", size: 56 }, ...(lines[1] ? [{ ...axis, scale: "other", side: 1, size: 56, grid: { show: false } }] : [])],
    series: [
      { label: state.utc ? texts.time_utc : texts.time },
      ...lines.map(([label, unit, colour, scale]) => ({
        label: [label, unit].filter(Boolean).join(", "),
        scale,
        stroke: token(colour),
        width: 1.5,
        spanGaps: false,
        points: { size: 4 },
        value: (_, value) => short(value),
      })),
    ],
    hooks: { setSelect: [(plot) => zoom(plot)] },
  };
}

function zoom(plot) {
  const { left, width } = plot.select;
  if (width < 4) return;
  const from = plot.posToVal(left, "x");
  const to = plot.posToVal(left + width, "x");
  if (to - from < 120) return;
  Object.assign(state, { range: "zoom", from: Math.floor(from), to: Math.ceil(to) });
  redraw();
}

async function copy(button, text) {
  await navigator.clipboard.writeText(text);
  const before = button.textContent;
  button.textContent = texts.copied;
  setTimeout(() => (button.textContent = before), 1500);
}

document.getElementById("ranges").hidden = false;
for (const button of document.querySelectorAll("[data-range]")) button.addEventListener("click", () => setRange(button.dataset.range));
document.getElementById("utc").addEventListener("change", (event) => {
  state.utc = event.target.checked;
  redraw();
});

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const chart = charts.find(({ section }) => section === target);
    chart.visible = isIntersecting;
    if (isIntersecting && chart.stale) load(chart);
  }
}, { rootMargin: "150px" });
for (const chart of charts) seen.observe(chart.section);

let timer = 0;
addEventListener("resize", () => {
  clearTimeout(timer);
  timer = setTimeout(() => charts.forEach(({ plot, box }) => plot?.setSize({ width: box.clientWidth, height: 220 })), 150);
});
onTheme(redraw);
setRange("week");
