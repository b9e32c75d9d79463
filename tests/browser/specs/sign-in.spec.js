// Who one is: what Identity-Aware Proxy says.
import { accessible, demo, expect, test } from "../people.js";

test("the page says who signed in", async ({ signIn }) => {
  const page = await signIn("alice");
  await expect(page.getByText("Signed in as alice@example.com")).toBeVisible();
});

test("two browsers are two people", async ({ signIn }) => {
  const [alice, bob] = [await signIn("alice"), await signIn("bob")];
  await expect(bob.getByText("Signed in as bob@example.com")).toBeVisible();
  await alice.reload();
  await expect(alice.getByText("Signed in as alice@example.com")).toBeVisible();
});

test("who signs out chooses anew", async ({ signIn }) => {
  const page = await signIn("alice");
  await page.goto("/_gcp_iap/clear_login_cookie");
  await expect(page.getByRole("heading", { name: "Choose who you are" })).toBeVisible();
  await accessible(page);
  await page.goto(demo().web);
  await page.getByRole("button", { name: "carol@example.com" }).click();
  await expect(page.getByText("Signed in as carol@example.com")).toBeVisible();
});
