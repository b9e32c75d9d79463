// Every page works where no script runs.
import { ask, becomes, bindingsOf, expect, test } from "../people.js";

const plain = { javaScriptEnabled: false };

test("without scripts one searches, chooses, checks and sends", async ({ signIn }) => {
  const page = await signIn("alice", plain);
  await page.getByLabel("Where do you need access?").fill("payments");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByRole("heading", { name: "Found" })).toBeVisible();
  await page.getByRole("link", { name: "projects/payments-prod" }).click();

  await page.getByRole("checkbox", { name: "roles/cloudsql.admin" }).check();
  await page.getByLabel("Why").fill("INC-4716: slow queries");
  await page.getByRole("button", { name: "Check and send…" }).click();
  await expect(page.getByText("Nothing was sent yet:")).toBeVisible();
  await page.getByRole("link", { name: "Choose at least one peer who may approve." }).click();
  await expect(page).toHaveURL(/#reviewers$/);
  // What was filled in before stands there still.
  await expect(page.getByLabel("Why")).toHaveValue("INC-4716: slow queries");
  await page.getByRole("checkbox", { name: "bob@example.com" }).check();
  await page.getByRole("button", { name: "Check and send…" }).click();

  await page.getByRole("button", { name: "Change something" }).click();
  await expect(page.getByRole("checkbox", { name: "bob@example.com" })).toBeChecked();
  await page.getByLabel("How long").fill("20m");
  await page.getByRole("button", { name: "Check and send…" }).click();
  await expect(page.getByText("20m, from the approval on")).toBeVisible();
  await page.getByRole("button", { name: "Send the request" }).click();
  await expect(page.getByText("Your request was sent.")).toBeVisible();
  const address = page.url();

  const bob = await signIn("bob", plain);
  await bob.getByRole("link", { name: "Waiting for me" }).click();
  await bob.getByRole("checkbox", { name: "alice@example.com" }).check();
  await bob.getByRole("button", { name: "Approve what is chosen" }).click();
  await expect(bob.getByText("Approved: 1.")).toBeVisible();

  await expect(async () => {
    await page.goto(address);
    await becomes(page, "Active", 100);
  }).toPass();
  const granted = await bindingsOf("alice", "projects/payments-prod", "roles/cloudsql.admin");
  expect(granted).toHaveLength(1);
});

test("without scripts nothing is decided unless something is chosen", async ({ signIn }) => {
  const [carol, bob] = [await signIn("carol", plain), await signIn("bob", plain)];
  await ask(carol, {
    resource: "projects/web-prod",
    "peer-role": "roles/storage.admin",
    reviewer: "bob@example.com",
    justification: "INC-4717: a bucket is full",
  });
  await expect(async () => {
    await bob.goto("/waiting");
    await expect(bob.getByText("INC-4717: a bucket is full")).toBeVisible({ timeout: 100 });
  }).toPass();
  await bob.getByLabel("Comment").fill("Fine with me");
  await bob.getByRole("button", { name: "Approve what is chosen" }).click();
  await expect(bob.getByText("Choose at least one request.")).toBeVisible();
  await expect(bob.getByLabel("Comment")).toHaveValue("Fine with me");
});
