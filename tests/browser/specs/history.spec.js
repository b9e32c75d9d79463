// What was: found again by filters that live in the address.
import { ask, askForBuckets, becomes, expect, test } from "../people.js";

test("filters of the history stay in the address, over reloading and going back", async ({
  signIn,
}) => {
  const page = await signIn("carol");
  const path = await askForBuckets(page, "INC-4751: withdrawn");
  await page.goto(path);
  await page.getByRole("button", { name: "Withdraw this request" }).click();
  await becomes(page, "Withdrawn");
  await ask(page, {
    resource: "projects/data-prod",
    role: "roles/bigquery.admin",
    justification: "INC-4751: active",
    duration: "10m",
  });

  await page.getByRole("link", { name: "History" }).click();
  const rows = page.getByRole("row").filter({ hasText: "INC-4751" });
  await expect(rows).toHaveCount(2);
  await page.getByRole("searchbox", { name: "Search" }).fill("inc-4751 storage");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page).toHaveURL(/\/history\?q=inc-4751\+storage/);
  await expect(page.getByText("1 request", { exact: true })).toBeVisible();
  await expect(rows).toContainText("INC-4751: withdrawn");

  await page.getByRole("searchbox", { name: "Search" }).fill("INC-4751");
  await page.getByLabel("State").selectOption("Active");
  await page.getByLabel("Whose").selectOption("asked for by me");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page).toHaveURL(/state=Active/);
  await expect(rows).toContainText("INC-4751: active");
  await page.reload();
  await expect(page.getByLabel("State")).toHaveValue("Active");
  await expect(page.getByRole("searchbox", { name: "Search" })).toHaveValue("INC-4751");
  await expect(rows).toHaveCount(1);

  await page.goBack();
  await expect(page.getByRole("searchbox", { name: "Search" })).toHaveValue("inc-4751 storage");
  await expect(rows).toContainText("INC-4751: withdrawn");
  await page.getByRole("link", { name: "Storage Admin" }).click();
  await becomes(page, "Withdrawn");
});

test("a request is seen by who asked and who is named, and by nobody else", async ({ signIn }) => {
  const carol = await signIn("carol");
  const path = await askForBuckets(carol, "INC-4752: between us");
  const bob = await signIn("bob", { path: "/history?q=INC-4752" });
  await expect(bob.getByText("1 request", { exact: true })).toBeVisible();
  const alice = await signIn("alice", { path: "/history?q=INC-4752" });
  await expect(alice.getByText("No request fits.")).toBeVisible();
  await alice.goto(path);
  await expect(alice.getByRole("heading", { name: "No such request" })).toBeVisible();
});
