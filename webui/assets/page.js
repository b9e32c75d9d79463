// What all parts of the script use. Texts are only ever put in as texts.

export const main = document.getElementById("main");
// By this header Identity-Aware Proxy answers 401 instead of sending to a page of another site.
export const FROM_SCRIPT = { "X-Requested-With": "XMLHttpRequest" };

export const all = (selector, root = document) => [...root.querySelectorAll(selector)];
export const textOf = (element) => element?.textContent.replace(/\s+/g, " ").trim() ?? "";

export function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// What a screen reader says, once the page has it.
const voice = make("div", { class: "hidden", role: "status" });
document.body.append(voice);

export function announce(text) {
  voice.textContent = "";
  setTimeout(() => {
    voice.textContent = text;
  }, 100);
}

export function notice(sentence, label, address, target) {
  main.querySelector(".notice")?.remove();
  const link = make("a", { href: address, ...(target && { target, rel: "noopener" }) }, label);
  const note = make(
    "div",
    { class: "note waiting notice", role: "alert" },
    make("p", {}, `${sentence} `, link),
  );
  main.prepend(note);
  return note;
}

export function sessionOver() {
  notice(
    "You are signed out by now, so this page is not kept up to date.",
    "Load it again",
    location.pathname,
  );
}
