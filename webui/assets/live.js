// Pages that follow what they show: told that something changed, they load themselves again.

import { FROM_SCRIPT, all, announce, main, make, notice, sessionOver, textOf } from "./page.js";

const MOST_FAILURES = 30;
// With these the server answers with a page of its own.
const PAGES = [200, 403, 404];
// What was done stands there long enough to be read, in milliseconds from when the page was loaded.
const TO_READ = 5000;
const live = { stream: null, timer: 0, failures: 0, loading: false, changed: false, enhance: null };
// The first uid under each name that *Waiting for me* has shown.
const firstUids = new Map();

function stopFollowing() {
  clearTimeout(live.timer);
  live.stream?.close();
  live.stream = null;
}

function follow() {
  stopFollowing();
  if (document.hidden || !document.body.dataset.live) return;
  live.stream = new EventSource(document.body.dataset.live);
  live.stream.addEventListener("open", () => {
    live.failures = 0;
  });
  live.stream.addEventListener("changed", renew);
  // A browser would come back by itself, but with the version that the page had at first.
  live.stream.addEventListener("error", () => tryAgain(false));
}

// A stream that ended is opened again; where that fails, the page is loaded to learn why.
function tryAgain(isLost) {
  stopFollowing();
  live.failures += 1;
  if (isLost && live.failures > 3)
    notice("This page may be out of date: the server does not answer.", "Load it again", location.pathname);
  if (live.failures > MOST_FAILURES) return;
  const seconds = live.failures > 5 ? 60 : 2 ** live.failures;
  live.timer = setTimeout(live.failures > 1 ? renew : follow, seconds * 1000 * (1 + Math.random() / 4));
}

function renew() {
  live.changed = true;
  // What is being sent is answered with a page of its own.
  if (live.loading || document.querySelector("form[data-sent]")) return;
  live.changed = false;
  live.loading = true;
  const request = new XMLHttpRequest();
  request.open("GET", location.pathname);
  request.responseType = "document";
  request.timeout = 30000;
  for (const [name, value] of Object.entries(FROM_SCRIPT)) request.setRequestHeader(name, value);
  request.addEventListener("readystatechange", () => {
    // What is no page of ours is not made into a document.
    const isHeard = request.readyState === XMLHttpRequest.HEADERS_RECEIVED;
    if (isHeard && !PAGES.includes(request.status)) request.responseType = "text";
  });
  request.addEventListener("loadend", () => {
    live.loading = false;
    renewed(request.status, request.response);
  });
  request.send();
}

function renewed(status, page) {
  if (status === 401) {
    stopFollowing();
    sessionOver();
  } else if (PAGES.includes(status) && page?.getElementById("main")) {
    if (isAnother(page)) return giveUp();
    replace(page);
    if (live.changed) renew();
    if (!live.stream) follow();
  } else tryAgain(true);
}

// Whoever looked at one request decides on no other: one that was deleted and made again under the same
// name is not put in its place, nor is a page that says that there is none.
function isAnother(page) {
  const { uid } = document.body.dataset;
  return Boolean(uid) && page.body.dataset.uid !== uid;
}

function giveUp() {
  stopFollowing();
  live.changed = false;
  delete document.body.dataset.live;
  const hadFocus = main.contains(document.activeElement);
  for (const control of all("form button, form input, form textarea, form select", main))
    control.disabled = true;
  const note = notice(
    "This is not the request any more that this page shows:",
    "look at it again",
    location.pathname,
  );
  if (!hadFocus) return;
  // Not on the link: whoever is about to press a key reads first.
  note.tabIndex = -1;
  note.focus();
}

// Says on the cards which requests are others than the first that were here under their names.
function markSwapped() {
  const sentences = [];
  for (const box of all('.decision input[name="request"]', main)) {
    const [name, uid] = box.value.split("/");
    if (!firstUids.has(name)) firstUids.set(name, uid);
    if (firstUids.get(name) === uid) continue;
    const sentence = `${name} is not the request that was here before: look at it again`;
    box.closest(".decision").querySelector("h2").after(make("p", { class: "wrong" }, sentence));
    sentences.push(sentence);
  }
  return sentences;
}

// What a control is, on the page before and on the page after.
function keyOf(element) {
  const form = element.form?.getAttribute("action");
  return [
    element.tagName,
    element.id,
    form,
    element.name,
    element.getAttribute("href"),
    ownText(element),
  ].join("\n");
}

function ownText(element) {
  if (element.matches("[type=checkbox], button[value]")) return element.value;
  return element.matches("input, textarea") ? "" : textOf(element);
}

const FIELDS = "input[name]:not([type=hidden]), textarea[name]";

function whatIsTyped() {
  const focus = main.contains(document.activeElement) ? document.activeElement : null;
  const isText = focus?.matches("textarea, input:not([type=checkbox])");
  return {
    fields: new Map(
      all(FIELDS, main)
        .filter((field) => (field.type === "checkbox" ? field.checked : field.value))
        .map((field) => [keyOf(field), field.value]),
    ),
    open: all("details[open] > summary", main).map(textOf),
    focus: focus && {
      key: keyOf(focus),
      top: focus.getBoundingClientRect().top,
      range: isText ? [focus.selectionStart, focus.selectionEnd] : null,
    },
    scroll: window.scrollY,
  };
}

function putBack({ fields, open, focus, scroll }) {
  for (const field of all(FIELDS, main)) {
    if (!fields.has(keyOf(field))) continue;
    if (field.type === "checkbox") field.checked = true;
    else field.value = fields.get(keyOf(field));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  for (const summary of all("summary", main)) summary.parentElement.open ||= open.includes(textOf(summary));
  window.scrollTo(0, scroll);
  if (!focus) return;
  const same = all("a, button, input, textarea, summary, .note", main).find(
    (element) => keyOf(element) === focus.key,
  );
  (same ?? main).focus({ preventScroll: true });
  if (!same) return;
  if (focus.range) same.setSelectionRange(...focus.range);
  window.scrollBy(0, same.getBoundingClientRect().top - focus.top);
}

// The states that a page shows, by what has them.
function statesOf(root) {
  return new Map(
    all(".card .badge, .request-state .badge", root).map((badge) => {
      const card = badge.closest(".card");
      return [
        card?.querySelector("a")?.getAttribute("href") ?? "",
        `${card ? textOf(card.querySelector("h3")) : "State"}: ${textOf(badge)}`,
      ];
    }),
  );
}

// What moves under the pointer is not pressed by mistake.
function holdStill() {
  main.classList.add("renewed");
  setTimeout(() => main.classList.remove("renewed"), 500);
}

// What a note says something about, as the page shows it: the request, or those in the list that the note
// names, or the whole list.
function shownFor(note) {
  const named = all("a", note).map((link) => link.getAttribute("href"));
  const isNamed = (card) => all("a", card).some((link) => named.includes(link.getAttribute("href")));
  const cards = all(".decision", main).filter((card) => named.length === 0 || isNamed(card));
  const requests = cards.map((card) => card.querySelector('input[name="request"]').value);
  return [textOf(main.querySelector(".request-state .badge")), ...requests];
}

function letGo(notes) {
  const said = notes.filter((note) => note.isConnected && note.matches(".active"));
  if (said.length === 0) return;
  for (const note of said) note.remove();
  holdStill();
}

function replace(page) {
  const kept = whatIsTyped();
  const before = statesOf(main);
  const marked = all(".decision > .wrong", main).map(textOf);
  const waiting = textOf(document.querySelector(".count"));
  const left = TO_READ - performance.now();
  const done = all(".note.active", main).filter(() => left > 0);
  // That something was not done, or may not have been, is true of the state in which it was said.
  const undone = new Map(all(".note.refused, .note.unsure", main).map((note) => [note, shownFor(note)]));
  main.replaceChildren(...page.getElementById("main").childNodes);
  const stillSo = [...undone].filter(([note, shown]) => {
    const now = shownFor(note);
    return shown.every((one) => now.includes(one));
  });
  const notes = [...done, ...stillSo.map(([note]) => note)];
  main.querySelector("h1")?.after(...notes);
  setTimeout(() => letGo(notes), left);
  document.querySelector(".top nav")?.replaceChildren(...(page.querySelector(".top nav")?.childNodes ?? []));
  document.title = page.title;
  document.body.dataset.live = page.body.dataset.live ?? "";
  live.enhance();
  const swapped = markSwapped();
  putBack(kept);
  holdStill();
  const states = [...statesOf(main)]
    .filter(([what, state]) => before.get(what) !== state)
    .map(([, state]) => state);
  const news = [...swapped.filter((sentence) => !marked.includes(sentence)), ...states];
  const count = textOf(document.querySelector(".count"));
  if (count !== waiting) news.push(`Waiting for you: ${count || "nothing"}`);
  if (news.length > 0) announce(news.slice(0, 3).join(". "));
}

// Follows the page from now on; `enhance` is what a page needs that was just put in.
export function followPage(enhance) {
  live.enhance = enhance;
  markSwapped();
  document.addEventListener("visibilitychange", lookAgain);
  window.addEventListener("pagehide", stopFollowing);
  window.addEventListener("pageshow", (event) => event.persisted && lookAgain());
  follow();
}

// A page in the background has no stream; one that is seen again is as it is now.
function lookAgain() {
  stopFollowing();
  live.failures = 0;
  if (!document.hidden && document.body.dataset.live) renew();
}
