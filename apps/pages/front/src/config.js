// What the server tells a page's script: addresses and texts, as JSON within the page.
export const config = JSON.parse(document.getElementById("config").textContent);

// A text with its numbers and names filled in: fill("{n} devices", {n: 3}).
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

export const number = new Intl.NumberFormat(document.documentElement.lang);

const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });

// How long ago a time is, in words: "5 minutes ago".
export function ago(iso, now = Date.now()) {
  if (!iso) return config.texts.never;
  const seconds = Math.round((Date.parse(iso) - now) / 1000);
  for (const [unit, length] of [["year", 31536000], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return words.format(Math.trunc(seconds / length), unit);
  }
  return words.format(Math.min(0, seconds), "second");
}

// JSON of this server's API; an error carries the message that the API gave.
export async function fetchJson(url, options = {}) {
  const answer = await fetch(url, { headers: { Accept: "application/json" }, ...options });
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(body?.message ?? `${answer.status}`);
  return body;
}

// An element with attributes, and children that are elements or text: never HTML in a text.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

// The colour that the stylesheet gives to a token, such as "--accent", in the theme of now.
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Calls back when the reader's theme changes, for what a canvas has drawn.
export function onTheme(callback) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
}
