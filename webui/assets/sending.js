// A form is sent once.

import { all, notice } from "./page.js";

function setSent(form, isSent) {
  if (isSent) form.dataset.sent = "";
  else delete form.dataset.sent;
  for (const button of all("button", form)) button.setAttribute("aria-disabled", String(isSent));
}

const releaseForms = () => all("form[data-sent]").forEach((form) => setSent(form, false));

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if ("sent" in form.dataset) return event.preventDefault();
  setSent(form, true);
  // An answer that never comes must not leave dead buttons. Many decisions at once may take 25 s.
  setTimeout(() => setSent(form, false), 30000);
});

// Identity-Aware Proxy sends whoever is signed out to another site, which no form of ours may reach.
document.addEventListener("securitypolicyviolation", (event) => {
  if (event.effectiveDirective !== "form-action") return;
  const form = document.querySelector("form[data-sent]");
  releaseForms();
  const note = notice(
    "You are signed out by now, and nothing was sent. What you filled in is still here:",
    "sign in again in a new window, then send it once more",
    "/_gcp_iap/do_session_refresh",
    "_blank",
  );
  form?.querySelector(".buttons, button")?.before(note);
  note.scrollIntoView({ block: "nearest" });
});

window.addEventListener("pageshow", (event) => event.persisted && releaseForms());
