// On a phone.
import { askForBuckets, becomes, expect, test } from "../people.js";

const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

async function fits(page) {
  const [wide, screen] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    window.innerWidth,
  ]);
  expect(wide, `${page.url()} is no wider than the screen`).toBeLessThanOrEqual(screen);
  expect(screen).toBe(360);
}

test("no page is wider than a phone", async ({ signIn }) => {
  const page = await signIn("alice", phone);
  await fits(page);
  await page.getByLabel("Where do you need access?").fill("prod");
  await expect(page.getByRole("option", { name: "projects/web-prod" })).toBeVisible();
  await fits(page);
  await page.getByRole("option", { name: "projects/web-prod" }).tap();
  await expect(page.getByLabel("Why")).toBeVisible();
  await fits(page);
  await page.getByRole("checkbox", { name: "roles/compute.osAdminLogin" }).check();
  await page.getByRole("checkbox", { name: "roles/storage.admin" }).check();
  await page.getByLabel("Why").fill("x".repeat(200));
  await page.getByRole("button", { name: "Check and send…" }).tap();
  await expect(page.getByText("Nothing was sent yet:")).toBeVisible();
  await fits(page);
  await page.getByRole("checkbox", { name: "roles/storage.admin" }).uncheck();
  await page.getByRole("button", { name: "Check and send…" }).tap();
  await expect(page.getByRole("heading", { name: "Check your request" })).toBeVisible();
  await fits(page);
  await page.getByRole("button", { name: "Send the request" }).tap();
  await becomes(page, "Active");
  await fits(page);
  for (const path of ["/requests", "/waiting", "/history", "/history?q=nothing+like+it", "/nowhere", "/requests/nothing"]) {
    await page.goto(path);
    await fits(page);
  }
});

test("a reviewer on a phone reads what it is before the buttons", async ({ signIn }) => {
  const [alice, bob] = [
    await signIn("alice"),
    await signIn("bob", { ...phone, viewport: { width: 390, height: 844 } }),
  ];
  await bob.goto(await askForBuckets(alice, "INC-4728: the bucket of the backups is full"));
  const top = async (element) => (await element.boundingBox()).y;
  const term = (name) => bob.getByRole("term").filter({ hasText: new RegExp(`^${name}$`) });
  const buttons = await top(bob.getByRole("button", { name: "Approve" }));
  const plan = bob.getByRole("heading", { name: "What will be granted" });
  for (const what of [term("Who"), term("Where"), term("Why"), plan]) {
    expect(await top(what)).toBeLessThan(buttons);
  }
});

test("a reviewer approves on a phone", async ({ signIn }) => {
  const [carol, bob] = [await signIn("carol"), await signIn("bob", phone)];
  const path = await askForBuckets(carol, "INC-4718: the bucket of the backups is full");
  await bob.goto("/waiting");
  await bob.getByRole("checkbox", { name: "carol@example.com" }).tap();
  await fits(bob);
  await bob.getByRole("button", { name: "Approve 1 request" }).tap();
  await expect(bob.getByText("Approved: 1.")).toBeVisible();
  await carol.goto(path);
  await becomes(carol, "Active");
  await bob.goto(path);
  await becomes(bob, "Active");
  await fits(bob);
});
