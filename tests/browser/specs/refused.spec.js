// A decision that was refused, or of which nobody knows whether it was done.
import { accessible, askForBuckets, becomes, bindingsOf, expect, test } from "../people.js";

/** With a zero-width space, as it comes along with what is pasted. */
const UNSEEN = "Fine\u200bwith me";

test("a comment that is refused stays, and the note as long as the state", async ({ signIn }) => {
  const [carol, bob] = [await signIn("carol"), await signIn("bob")];
  const path = await askForBuckets(carol, "INC-4771: a bucket is full");
  const note = await refuse(bob, path);
  await accessible(bob);
  expect(await bindingsOf("carol", "projects/web-prod", "roles/storage.admin")).toEqual([]);

  await renew(bob);
  await expect(note).toBeVisible();
  await expect(note).toBeFocused();
  await expect(bob.getByLabel("Comment")).toHaveValue(UNSEEN);

  await carol.goto(path);
  await carol.getByRole("button", { name: "Withdraw this request" }).click();
  await becomes(bob, "Withdrawn");
  await expect(note).toBeHidden();
});

test("a comment that was refused is mended, and the request is approved", async ({ signIn }) => {
  const [alice, bob] = [await signIn("alice"), await signIn("bob")];
  const path = await askForBuckets(alice, "INC-4772: a bucket is full");
  const note = await refuse(bob, path);
  await bob.getByLabel("Comment").fill("Fine with me");
  await bob.getByRole("button", { name: "Approve" }).click();
  await becomes(bob, "Active");
  await expect(note).toBeHidden();
  await expect(bob.getByText("“Fine with me”")).toBeVisible();
});

test("that it is not known whether something was done is said until the state changes", async ({
  signIn,
}) => {
  const [alice, bob] = [await signIn("alice"), await signIn("bob")];
  const path = await askForBuckets(alice, "INC-4773: a bucket is full");
  await bob.goto(path);
  // As the web UI answers where the API server does not in time.
  const said = `<div class="note unsure waiting" role="alert"><p><strong>It is not known whether this was done.</strong></p></div>`;
  await bob.route(`**${path}/decision`, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    const page = await (await bob.request.get(path)).text();
    const body = page.replace("</h1>", `</h1>${said}`);
    return route.fulfill({ status: 502, contentType: "text/html", body });
  });
  await bob.getByRole("button", { name: "Approve" }).click();
  const note = bob.getByRole("alert").filter({ hasText: "It is not known whether this was done." });
  await expect(note).toBeFocused();
  await accessible(bob);
  await renew(bob);
  await expect(note).toBeVisible();

  await alice.goto(path);
  await alice.getByRole("button", { name: "Withdraw this request" }).click();
  await becomes(bob, "Withdrawn");
  await expect(note).toBeHidden();
});

test("among many, what was refused stays chosen, and the note until that is settled", async ({
  signIn,
}) => {
  const [alice, carol] = [await signIn("alice"), await signIn("carol")];
  const path = await askForBuckets(carol, "INC-4774: the first bucket");
  await askForBuckets(carol, "INC-4774: the second bucket");
  const bob = await signIn("bob", { path: "/waiting" });
  const of = (text) => bob.getByRole("article").filter({ hasText: text }).getByRole("checkbox");
  await of("the first bucket").check();
  await bob.getByLabel("Comment").fill(UNSEEN);
  await bob.getByRole("button", { name: "Approve 1 request" }).click();
  const note = bob.getByRole("alert").filter({ hasText: "This was not done." });
  await expect(note).toBeFocused();
  await expect(of("the first bucket")).toBeChecked();
  await expect(of("the second bucket")).not.toBeChecked();
  await expect(bob.getByLabel("Comment")).toHaveValue(UNSEEN);

  // What it says nothing about does not take it away.
  await askForBuckets(alice, "INC-4774: the third bucket");
  await expect(bob.getByRole("article")).toHaveCount(3);
  await expect(note).toBeVisible();
  await expect(of("the first bucket")).toBeChecked();

  await carol.goto(path);
  await carol.getByRole("button", { name: "Withdraw this request" }).click();
  await expect(bob.getByRole("article")).toHaveCount(2);
  await expect(note).toBeHidden();
});

/** Approves with a comment that is refused. Returns the note that says so, which has the focus. */
async function refuse(page, path) {
  await page.goto(path);
  await page.getByLabel("Comment").fill(UNSEEN);
  await page.getByRole("button", { name: "Approve" }).click();
  const note = page.getByRole("alert").filter({ hasText: "This was not done." });
  await expect(note).toBeFocused();
  await expect(page.getByLabel("Comment")).toHaveValue(UNSEEN);
  await becomes(page, "Waiting for approval");
  return note;
}

/** Has the page load itself again, as it does when it is seen again. */
async function renew(page) {
  const heading = await page.getByRole("heading", { level: 1 }).elementHandle();
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await expect.poll(() => heading.evaluate((one) => one.isConnected)).toBe(false);
}
