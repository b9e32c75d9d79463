// The search for a resource: a combobox whose list is what the server finds.

import { FROM_SCRIPT, announce, make, sessionOver, textOf } from "./page.js";

const LAST = "jit-access-last-resource";

// The resource that this person looked at last in this browser.
function lastPlace() {
  try {
    const last = JSON.parse(localStorage.getItem(LAST));
    return last?.me === textOf(document.querySelector(".account strong")) ? last : null;
  } catch {
    return null;
  }
}

export function rememberPlace(form) {
  const place = form.querySelector(".chosen");
  const part = (selector) => textOf(place?.querySelector(selector));
  const looked = {
    me: textOf(document.querySelector(".account strong")),
    name: part("code"),
    displayName: part("strong"),
    path: part(".path"),
  };
  try {
    localStorage.setItem(LAST, JSON.stringify(looked));
  } catch {
    /* It is a convenience. */
  }
}

export function resourceSearch(input) {
  const list = make("ul", {
    id: "resource-options",
    role: "listbox",
    class: "options",
    "aria-label": "Resources",
    hidden: "",
  });
  let options = [];
  let active = -1;
  let asked = new AbortController();
  let timer = 0;

  const close = () => {
    clearTimeout(timer);
    asked.abort();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    choose(-1);
  };
  const choose = (index) => {
    options[active]?.setAttribute("aria-selected", "false");
    active = index < options.length ? index : -1;
    options[active]?.setAttribute("aria-selected", "true");
    options[active]?.scrollIntoView({ block: "nearest" });
    if (active < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", options[active].id);
  };
  const option = (place, index) => {
    const parts = [make("strong", {}, place.displayName || place.name), make("code", {}, place.name)];
    if (place.tag) parts.push(make("span", { class: "tag" }, place.tag));
    if (place.path) parts.push(make("span", { class: "path" }, place.path));
    const own = { id: `resource-option-${index}`, role: "option", "aria-selected": "false" };
    const item = make("li", own, ...parts);
    item.dataset.address = `/?resource=${encodeURIComponent(place.name)}`;
    return item;
  };
  const show = (places, more) => {
    const remark =
      more > 0 ? `${more} more: type more of the name.` : places.length > 0 ? "" : "Nothing found.";
    choose(-1);
    options = places.map(option);
    list.replaceChildren(...options);
    const none = { role: "option", "aria-disabled": "true", "aria-selected": "false", class: "none" };
    if (remark) list.append(make("li", none, remark));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    announce(`${places.length} found. ${remark}`);
  };
  const search = async () => {
    asked.abort();
    asked = new AbortController();
    const text = input.value.trim();
    const address = `${input.dataset.resources}?q=${encodeURIComponent(text)}`;
    try {
      const answer = await fetch(address, { headers: FROM_SCRIPT, signal: asked.signal });
      if (answer.status === 401) sessionOver();
      if (!answer.ok) return close();
      const { resources, more } = await answer.json();
      const last = text === "" ? lastPlace() : null;
      const others = resources.filter((place) => place.name !== last?.name);
      show(last ? [{ ...last, tag: "Looked at last" }, ...others] : others, more);
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  };
  const keys = {
    ArrowDown: () => (list.hidden ? search() : choose(active + 1 < options.length ? active + 1 : 0)),
    ArrowUp: () => (list.hidden ? search() : choose(active > 0 ? active - 1 : options.length - 1)),
    Enter: () => options[active]?.click(),
    Escape: close,
  };

  input.parentElement.classList.add("combo");
  input.after(list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", list.id);
  input.addEventListener("keydown", (event) => {
    const isOurs = { ArrowDown: true, ArrowUp: true, Enter: active >= 0, Escape: !list.hidden }[event.key];
    if (!isOurs || event.isComposing) return;
    event.preventDefault();
    keys[event.key]();
  });
  input.addEventListener("input", () => {
    clearTimeout(timer);
    choose(-1);
    timer = setTimeout(search, 150);
  });
  input.addEventListener("click", () => list.hidden && search());
  input.addEventListener("blur", close);
  // The field keeps the focus while the list is clicked.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const { address } = event.target.closest("li")?.dataset ?? {};
    if (address) location.assign(address);
  });
}
