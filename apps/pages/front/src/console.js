// A console to try a call: what is typed is asked of this server alone, and shown as text.
import { config, fill, number } from "./config.js";

const MOST_SHOWN = 200000;
const texts = config.texts;
const form = document.getElementById("call");
const said = document.getElementById("said");
const answer = document.getElementById("answer");
const part = (name) => document.getElementById(name);

// Whatever is typed stays on this server: "//other.host" would not.
function target(path) {
  const url = new URL(path, location.origin);
  return path.startsWith("/") && url.origin === location.origin ? url : null;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function command(url, token) {
  const header = token ? ` -H ${quoted("Authorization: Bearer …")}` : "";
  return `curl -s${header} ${quoted(config.public_url + url.pathname + url.search)}`;
}

function readable(body, type) {
  if (!type.includes("json")) return body;
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

async function ask(url, token) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const begun = performance.now();
  const found = await fetch(url, { headers, credentials: "omit" });
  const body = await found.text();
  const ms = Math.round(performance.now() - begun);
  said.textContent = fill(texts.answer, { status: `${found.status} ${found.statusText}`.trim(), ms: number.format(ms), bytes: number.format(new Blob([body]).size) });
  part("command").textContent = command(url, token);
  part("headers").textContent = [...found.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  const shown = readable(body, found.headers.get("Content-Type") ?? "");
  part("body").textContent = shown.length > MOST_SHOWN ? `${shown.slice(0, MOST_SHOWN)}\n…` : shown;
  answer.hidden = false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { path, bearer } = Object.fromEntries(new FormData(form));
  const url = target(path.trim());
  if (!url) {
    said.textContent = texts.only_here;
    return;
  }
  said.textContent = texts.asking;
  try {
    await ask(url, bearer.trim());
  } catch (error) {
    said.textContent = fill(texts.failed, { why: error.message });
  }
});
part("console").hidden = false;
