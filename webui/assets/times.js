// Times in the reader's own time zone and language, and how long something still runs.

import { all, make } from "./page.js";

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
// A style of the date and the name of the zone do not go together.
const withZone = new Intl.DateTimeFormat(undefined, { hour: "numeric", timeZoneName: "short" });

// With the zone, for times are typed in UTC; whoever lives in UTC need not be told.
function local(at) {
  const zone = withZone.formatToParts(at).find(({ type }) => type === "timeZoneName").value;
  return zone === "UTC" ? dateTime.format(at) : `${dateTime.format(at)}\u00a0${zone}`;
}

export function localTimes(root) {
  for (const time of all("time[data-local]:not([title])", root)) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = local(at);
    time.lang = dateTime.resolvedOptions().locale;
  }
}

// What a time that is typed in UTC is where the reader is.
export function localHint(input) {
  const hint = make("p", { class: "hint" });
  const update = () => {
    const [, day, time] = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)Z?$/.exec(input.value.trim()) ?? [];
    const at = new Date(`${day}T${time}Z`);
    hint.textContent = Number.isNaN(at.getTime()) ? "" : `That is ${local(at)} where you are.`;
  };
  input.after(hint);
  input.addEventListener("input", update);
  input.form.addEventListener("change", update);
  update();
}

function left(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (seconds <= 0) return "ended";
  if (minutes < 1) return `${seconds} s left`;
  if (minutes < 2) return `1 min ${seconds % 60} s left`;
  if (hours < 1) return `${minutes} min left`;
  if (hours >= 48) return `${Math.floor(hours / 24)} days left`;
  return minutes % 60 === 0 ? `${hours} h left` : `${hours} h ${minutes % 60} min left`;
}

let clock = 0;

// Once a minute, and each second of the last two.
export function countDown() {
  clearTimeout(clock);
  let next = Infinity;
  for (const element of all("[data-until]")) {
    const rest = Date.parse(element.dataset.until) - Date.now();
    const text = left(rest);
    if (element.textContent !== text) element.textContent = text;
    if (rest > 0) next = Math.min(next, (rest < 121000 ? rest % 1000 : rest % 60000) + 20);
  }
  if (next < Infinity) clock = setTimeout(countDown, next);
}
