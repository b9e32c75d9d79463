// Everything by the keyboard alone.
import { becomes, bindingsOf, expect, test } from "../people.js";

test("access for oneself takes a search, a few keys and no mouse", async ({ signIn }) => {
  const page = await signIn("bob");
  const { keyboard } = page;
  const skip = page.getByRole("link", { name: "Skip to the content" });
  const search = page.getByRole("combobox", { name: "Where do you need access?" });

  await expect(search).toBeFocused();
  await keyboard.type("web-pr");
  await expect(page.getByRole("option")).toHaveText([/projects\/web-prod/]);
  await keyboard.press("ArrowDown");
  await expect(page.getByRole("option", { selected: true })).toHaveText(/projects\/web-prod/);
  await keyboard.press("Enter");
  await expect(page.getByRole("group", { name: "You activate these yourself" })).toBeVisible();

  await keyboard.press("Tab");
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();

  const role = page.getByRole("checkbox", { name: "roles/compute.instanceAdmin.v1" });
  await tabTo(page, role);
  await keyboard.press("Space");
  await expect(role).toBeChecked();
  await tabTo(page, page.getByLabel("Why"));
  await keyboard.type("INC-4715: web-2 hangs");
  await keyboard.press("Tab");
  await expect(page.getByLabel("How long")).toBeFocused();
  await keyboard.type("10m");
  await tabTo(page, page.getByRole("button", { name: "Check and send…" }));
  await keyboard.press("Enter");

  await expect(page.getByRole("heading", { name: "Check your request" })).toBeVisible();
  await expect(page.getByText("nobody else need approve")).toBeVisible();
  await tabTo(page, page.getByRole("button", { name: "Send the request" }));
  await keyboard.press("Enter");
  await becomes(page, "Active");
  const granted = await bindingsOf("bob", "projects/web-prod", "roles/compute.instanceAdmin.v1");
  expect(granted).toHaveLength(1);

  await tabTo(page, page.getByLabel("Why it ends"));
  await keyboard.type("it runs again");
  await keyboard.press("Enter");
  await becomes(page, "Ended early");
});

test("the list of the search closes with Escape and opens with an arrow", async ({ signIn }) => {
  const page = await signIn("bob");
  const search = page.getByRole("combobox", { name: "Where do you need access?" });
  await search.focus();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("option", { name: "projects/payments-prod" })).toBeVisible();
  await expect(search).toHaveAttribute("aria-expanded", "true");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("listbox")).toBeHidden();
  await expect(search).toHaveAttribute("aria-expanded", "false");
  await page.keyboard.type("no such thing");
  await expect(page.getByRole("option", { name: "Nothing found." })).toBeVisible();
});

/** Presses Tab until the element has the focus, which must be seen. */
async function tabTo(page, element) {
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    if (await element.evaluate((one) => one === document.activeElement)) {
      await expect(element).toBeInViewport();
      return;
    }
  }
  throw new Error(`Tab does not lead to ${element}`);
}
