// Every page, in light and in dark, by the rules that a program can check.
import { accessible, ask, askForBuckets, becomes, expect, test, tomorrow } from "../people.js";

// Axe reads a page twice, and a test here has many.
test.describe.configure({ timeout: 180_000 });

const WEB = "/?resource=projects/web-prod";

test("the form shuts nobody out", async ({ signIn }) => {
  const page = await signIn("alice");
  await accessible(page);
  await page.getByLabel("Where do you need access?").fill("web");
  await expect(page.getByRole("option", { name: "projects/web-prod" })).toBeVisible();
  await accessible(page);
  await page.goto("/?q=nothing+like+it");
  await accessible(page);
  await page.goto("/?resource=projects/not-listed");
  await accessible(page);
});

test("the roles, and what is wrong with a choice, shut nobody out", async ({ signIn }) => {
  const page = await signIn("alice", { path: WEB });
  for (const summary of await page.getByRole("group").locator("summary").all()) await summary.click();
  await page.getByRole("checkbox", { name: "roles/container.admin" }).check();
  await page.getByRole("checkbox", { name: "roles/compute.osAdminLogin" }).check();
  await expect(page.getByRole("button", { name: "Keep what I activate myself" })).toBeVisible();
  await accessible(page);

  await page.getByLabel("Why").fill(" ");
  await page.getByRole("button", { name: "Check and send…" }).click();
  await expect(page.getByText("Nothing was sent yet:")).toBeVisible();
  await accessible(page);
});

test("the preview shuts nobody out", async ({ signIn }) => {
  const page = await signIn("alice");
  await page.goto(`${WEB}&role=roles/compute.osAdminLogin&justification=INC-4720&duration=10m`);
  await page.getByRole("button", { name: "Check and send…" }).click();
  await expect(page.getByRole("heading", { name: "Check your request" })).toBeVisible();
  await accessible(page);
});

test("pages that have nothing yet shut nobody out", async ({ signIn }) => {
  const page = await signIn("dave");
  for (const [path, sentence] of [
    ["/", "The lists name nothing on which you may ask for access."],
    ["/requests", "You have no access now, and nothing is waiting."],
    ["/waiting", "Nothing waits for you."],
    ["/history", "There is no request yet that you made or that names you as reviewer."],
    ["/history?q=INC", "No request fits."],
    ["/requests/nothing-7c9e6679", "There is no request of this name"],
    ["/nowhere", "There is no page at this address."],
  ]) {
    await page.goto(path);
    await expect(page.getByText(sentence)).toBeVisible();
    await accessible(page);
  }
});

test("a request shuts nobody out in any state, nor do the lists that have it", async ({ signIn }) => {
  const [alice, bob] = [await signIn("alice"), await signIn("bob")];
  const path = await askForBuckets(alice, "INC-4721: a bucket is full");
  await ask(alice, {
    resource: "projects/web-prod",
    role: "roles/compute.osAdminLogin",
    justification: "INC-4721: look at the disk",
    duration: "10m",
  });
  await alice.goto(path);
  await becomes(alice, "Waiting for approval");
  await accessible(alice);
  await bob.goto("/waiting");
  await expect(bob.getByText("INC-4721: a bucket is full")).toBeVisible();
  await accessible(bob);
  await bob.goto(path);
  await expect(bob.getByRole("heading", { name: "Your decision" })).toBeVisible();
  await accessible(bob);
  await bob.getByRole("button", { name: "Approve" }).click();
  await becomes(bob, "Active");
  await accessible(bob);
  await becomes(alice, "Active");
  await accessible(alice);
  await alice.goto("/requests");
  await becomes(alice, "Active");
  await accessible(alice);
  await alice.goto("/history?q=INC-4721");
  await expect(alice.getByText("2 requests")).toBeVisible();
  await accessible(alice);
  await alice.goto(path);
  await alice.getByRole("button", { name: "Give back early" }).click();
  await becomes(alice, "Ended early");
  await accessible(alice);
  await bob.goto("/history?whose=reviewed");
  await accessible(bob);
});

test("a request that came to nothing, or has not begun, shuts nobody out", async ({ signIn }) => {
  const [carol, bob] = [await signIn("carol"), await signIn("bob")];
  const denied = await askForBuckets(carol, "INC-4722: a bucket is full");
  const withdrawn = await askForBuckets(carol, "INC-4722: another one");
  const data = { resource: "projects/data-prod", justification: "INC-4722: a table" };
  const scheduled = await ask(carol, { ...data, role: "roles/bigquery.admin", start: tomorrow() });
  const ineligible = await ask(carol, { ...data, "other-role": "roles/owner" });
  await bob.goto(denied);
  await bob.getByLabel("Comment").fill("Not without a case number.");
  await bob.getByRole("button", { name: "Deny" }).click();
  await becomes(bob, "Denied");
  await accessible(bob);
  await carol.goto(withdrawn);
  await carol.getByRole("button", { name: "Withdraw this request" }).click();
  for (const [path, state] of [
    [withdrawn, "Withdrawn"],
    [denied, "Denied"],
    [scheduled, "Scheduled"],
    [ineligible, "Not eligible"],
  ]) {
    if (path !== withdrawn) await carol.goto(path);
    await becomes(carol, state);
    await accessible(carol);
  }
  await carol.goto("/requests");
  await becomes(carol, "Scheduled");
  await accessible(carol);
});
