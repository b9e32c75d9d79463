// *Waiting for me*: many at once.

import { all, make } from "./page.js";

const MOST_AT_ONCE = 50;

export function decisions(form) {
  const boxes = all('input[name="request"]', form);
  const everything = make("input", { type: "checkbox", id: "choose-all" });
  const most = Math.min(boxes.length, MOST_AT_ONCE);
  const buttons = all('button[name="decision"]', form).map((button) => [
    button,
    button.textContent,
    button.textContent.split(" ")[0],
  ]);
  const update = () => {
    const count = boxes.filter((box) => box.checked).length;
    everything.checked = count >= most;
    everything.indeterminate = count > 0 && count < most;
    for (const [button, text, verb] of buttons)
      button.textContent = count === 0 ? text : `${verb} ${count} ${count === 1 ? "request" : "requests"}`;
  };
  if (boxes.length > 1) {
    form.prepend(
      make(
        "label",
        { class: "all" },
        everything,
        most < boxes.length ? `Choose the first ${most}` : `Choose all ${most}`,
      ),
    );
    everything.addEventListener("change", () =>
      boxes.forEach((box, index) => {
        box.checked = everything.checked && index < most;
      }),
    );
  }
  form.addEventListener("change", update);
  update();
}
