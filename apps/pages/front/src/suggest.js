// Suggestions under a search box, as a combobox of ARIA: arrows choose, Enter goes, Escape closes.
import { element, fetchJson } from "./config.js";

const PAUSE = 180;
const MOST = 8;

export function suggest(box, texts) {
  const options = element("ul", { id: "suggestions", role: "listbox", "aria-label": texts.suggestions, hidden: true });
  box.after(options);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": "suggestions", "aria-autocomplete": "list", autocomplete: "off" })) {
    box.setAttribute(name, value);
  }
  let timer = 0;
  let asked = 0;

  const close = () => {
    options.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };

  async function ask() {
    const mine = ++asked;
    const words = box.value.trim();
    if (words.length < 2) return close();
    const found = await fetchJson(`/v0/search?per_page=${MOST}&q=${encodeURIComponent(words)}`).catch(() => []);
    if (mine !== asked || box.value.trim() !== words) return;
    options.replaceChildren(...found.map(option));
    options.hidden = found.length === 0;
    box.setAttribute("aria-expanded", String(found.length > 0));
    box.removeAttribute("aria-activedescendant");
  }

  function option(found, place) {
    const device = found.type === "Device";
    const href = device ? `/ui/devices/${found.id}` : `/ui/users/${encodeURIComponent(found.username)}`;
    const made = element(
      "li",
      { id: `suggestion-${place}`, role: "option", "aria-selected": "false", "data-href": href },
      element("strong", {}, device ? found.name : found.username),
      element("span", { class: "quiet small" }, [device ? texts.device : texts.person, found.city].filter(Boolean).join(" · ")),
    );
    made.addEventListener("mousedown", (event) => {
      event.preventDefault();
      location.assign(href);
    });
    return made;
  }

  function move(step) {
    const all = [...options.children];
    const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
    const next = all[(at + step + all.length) % all.length];
    for (const one of all) one.setAttribute("aria-selected", String(one === next));
    box.setAttribute("aria-activedescendant", next.id);
    next.scrollIntoView({ block: "nearest" });
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    const active = options.querySelector('[aria-selected="true"]');
    if (event.key === "Escape") close();
    else if (options.hidden) return;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && active) {
      event.preventDefault();
      location.assign(active.dataset.href);
    }
  });
}
