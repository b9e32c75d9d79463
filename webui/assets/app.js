// What the pages do beyond links and forms. Each of them works without this; nothing here decides
// anything.

import { askForm } from "./ask.js";
import { followPage } from "./live.js";
import { all, main } from "./page.js";
import { resourceSearch } from "./search.js";
import "./sending.js";
import { countDown, localTimes } from "./times.js";
import { decisions } from "./waiting.js";

function enhance() {
  localTimes(main);
  countDown();
  all("input[data-resources]", main).forEach(resourceSearch);
  all("form[data-ask]", main).forEach(askForm);
  all("form.decisions", main).forEach(decisions);
}

// What is filled in is in sight.
function openFilled() {
  const isFilled = (field) => (field.type === "checkbox" ? field.checked : field.value !== "");
  for (const details of all("details:not([open])", main))
    details.open = all("input:not([type=hidden]), textarea", details).some(isFilled);
}

enhance();
openFilled();
// What is wrong comes first.
const refusal = main.querySelector(".note.refused, .note.unsure");
if (refusal) {
  refusal.tabIndex = -1;
  refusal.focus();
}
// What was done is said once, not again when the page is loaded again.
if (/^\?(done|approved|denied)=/.test(location.search)) history.replaceState(null, "", location.pathname);
followPage(enhance);
// A browser that comes back to a page may fill in again what was filled in.
window.addEventListener("pageshow", () => {
  openFilled();
  all("form", main).forEach((form) => form.dispatchEvent(new Event("change")));
});
