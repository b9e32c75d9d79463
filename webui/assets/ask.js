// The form: what goes together, who could approve it, and many things to choose from.

import { all, announce, make, textOf } from "./page.js";
import { rememberPlace } from "./search.js";
import { localHint } from "./times.js";

// Only what fits stays in sight, and what is chosen.
function filterBox(list, what) {
  const items = [...list.children];
  if (items.length <= 10) return;
  const input = make("input", {
    type: "search",
    class: "filter-box",
    placeholder: `Filter ${items.length} ${what}`,
    "aria-label": `Filter ${what}`,
    autocomplete: "off",
  });
  input.addEventListener("input", () => {
    const text = input.value.trim().toLowerCase();
    for (const item of items)
      item.hidden = !textOf(item).toLowerCase().includes(text) && !item.querySelector(":checked");
    announce(`${items.filter((item) => !item.hidden).length} shown`);
  });
  input.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  list.before(input);
}

function counter(field) {
  const count = make("p", { class: "counter" });
  const update = () => {
    count.textContent = `${[...field.value].length} of ${field.maxLength} characters`;
  };
  field.after(count);
  field.addEventListener("input", update);
  field.form.addEventListener("change", update);
  update();
}

export function askForm(form) {
  const kinds = new Map(all("[data-kind]", form).map((fieldset) => [fieldset.dataset.kind, fieldset]));
  const chosen = (kind) => (kinds.has(kind) ? all("li input:checked", kinds.get(kind)) : []);
  const reviewers = form.querySelector("[data-reviewers]");
  const typed = form.querySelector("#other-role");
  const together = form.querySelector("#together");
  const title = (box) => box.closest("li").querySelector(".role").firstChild.textContent.trim();

  const both = together && make("div", { class: "note waiting", role: "status" });
  const keep = (kind, label) => {
    const button = make("button", { type: "button" }, label);
    button.addEventListener("click", () => {
      for (const box of chosen(kind === "own" ? "peer" : "own")) box.checked = false;
      update();
      chosen(kind)[0]?.focus();
    });
    return button;
  };
  together?.after(both);
  for (const [kind, fieldset] of together ? kinds : []) {
    const others = kind === "own" ? "below, which a peer must approve" : "above, which need no peer";
    const sentence = `Not together with the roles chosen ${others}: one request has roles of one kind.`;
    fieldset.querySelector("legend").after(make("p", { class: "hint apart" }, sentence));
  }

  const updateKinds = (own, peer) => {
    if (!together) return;
    const isMixed = own > 0 && peer > 0;
    kinds.get("own").classList.toggle("other-kind", peer > 0 && own === 0);
    kinds.get("peer").classList.toggle("other-kind", own > 0 && peer === 0);
    together.hidden = own > 0 || peer > 0;
    both.hidden = !isMixed;
    if (isMixed && both.childElementCount === 0) {
      both.append(
        make("p", {}, together.textContent),
        keep("own", "Keep what I activate myself"),
        keep("peer", "Keep what a peer approves"),
      );
    } else if (!isMixed) both.replaceChildren();
  };
  const updateReviewers = (own, peer) => {
    const isOwn = own > 0 || (kinds.has("own") && !kinds.has("peer"));
    const isAlone = isOwn && peer.length === 0 && typed.value.trim() === "";
    // What is out of sight is not sent either.
    reviewers.hidden = reviewers.disabled = isAlone && !reviewers.querySelector(".wrong");
    for (const item of all("li[data-roles]", reviewers)) {
      const may = item.dataset.roles.split(" ");
      const lacks = peer.filter((box) => !may.includes(box.value)).map(title);
      const box = item.querySelector("input");
      item.classList.toggle("cannot", lacks.length > 0);
      box.disabled = lacks.length > 0 && !box.checked;
      item.querySelector(".reason").textContent =
        lacks.length > 0 ? `cannot approve ${lacks.join(", ")}` : "";
    }
  };
  const update = () => {
    const [own, peer] = [chosen("own"), chosen("peer")];
    updateKinds(own.length, peer.length);
    updateReviewers(own.length, peer);
  };

  for (const item of all("li[data-roles]", reviewers)) item.append(make("span", { class: "reason" }));
  for (const fieldset of kinds.values()) filterBox(fieldset.querySelector("ul"), "roles");
  for (const list of all(":scope > ul", reviewers)) filterBox(list, "reviewers");
  counter(form.querySelector("#justification"));
  localHint(form.querySelector("#start"));
  form.addEventListener("change", update);
  typed.addEventListener("input", update);
  if (form.querySelector(".chosen strong")) rememberPlace(form);
  update();
}
