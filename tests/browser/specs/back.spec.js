// Back from the preview, the form is as it was left.
import { expect, test, tomorrow } from "../people.js";

test("who goes back from the preview finds all that was filled in", async ({ signIn }) => {
  const page = await signIn("alice", { path: "/?resource=projects/web-prod" });
  const ticks = ["roles/storage.admin", "bob@example.com"];
  const fields = {
    "Other roles, one a line": "roles/container.admin",
    "Others, by e-mail address": "carol@example.com",
    Why: "INC-4745: one bucket",
    "How long": "5m",
    "Start, in UTC": tomorrow(),
    "Only where this IAM condition holds": 'resource.name.startsWith("projects/_/buckets/shop")',
  };
  for (const name of ticks) await page.getByRole("checkbox", { name }).check();
  // Those that are closed at first.
  for (const name of ["Roles by name", "Start later, or narrow the access"]) {
    await page.getByText(name, { exact: true }).click();
  }
  for (const [label, text] of Object.entries(fields)) await page.getByLabel(label).fill(text);
  const isPreviewed = async () => {
    await page.getByRole("button", { name: "Check and send…" }).click();
    await expect(page.getByRole("heading", { name: "Check your request" })).toBeVisible();
    await expect(page.getByRole("definition").filter({ hasText: "5m, from " })).toBeVisible();
    await expect(page.getByText("one of bob@example.com, carol@example.com must approve")).toBeVisible();
    const sent = page.getByRole("main").locator("form.send");
    await expect(sent.locator('[name="start"]')).toHaveValue(fields["Start, in UTC"]);
    await expect(page.getByText("projects/_/buckets/shop").first()).toBeVisible();
    for (const role of ["roles/storage.admin", "roles/container.admin"]) {
      await expect(page.getByRole("main").getByText(role)).toBeVisible();
    }
  };
  await isPreviewed();
  await page.goBack();
  for (const [label, text] of Object.entries(fields)) {
    await expect(page.getByLabel(label)).toBeVisible();
    await expect(page.getByLabel(label)).toHaveValue(text);
  }
  for (const name of ticks) await expect(page.getByRole("checkbox", { name })).toBeChecked();
  await expect(page.getByText(/^That is .* where you are\.$/)).toBeVisible();
  await isPreviewed();
});

test("what is not filled in stays closed", async ({ signIn }) => {
  const page = await signIn("alice", { path: "/?resource=projects/web-prod" });
  await page.getByRole("checkbox", { name: "roles/compute.osAdminLogin" }).check();
  await page.getByLabel("Why").fill("INC-4746: log in");
  await page.getByRole("button", { name: "Check and send…" }).click();
  await expect(page.getByRole("heading", { name: "Check your request" })).toBeVisible();
  await page.goBack();
  await expect(page.getByLabel("Why")).toHaveValue("INC-4746: log in");
  await expect(page.getByLabel("Start, in UTC")).toBeHidden();
});
