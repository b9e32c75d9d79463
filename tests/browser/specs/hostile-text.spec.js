// What a requester writes is text to who reads it, whatever it looks like.
import { askForBuckets, becomes, expect, test } from "../people.js";

test("attack 23: a mark of direction turns nothing but the name that has it", async ({ signIn }) => {
  const page = await signIn("alice");
  await page.goto(await askForBuckets(page, "INC-4729: a bucket is full"));
  // As an administrator of a project could name it, who need not be one here.
  const isForward = await page
    .getByRole("definition")
    .locator("code", { hasText: "projects/web-prod" })
    .evaluate((code) => {
      code.before("Web \u202e");
      const left = (index) => {
        const range = document.createRange();
        range.setStart(code.firstChild, index);
        range.setEnd(code.firstChild, index + 1);
        return range.getBoundingClientRect().left;
      };
      return left(0) < left(code.textContent.length - 1);
    });
  expect(isForward).toBe(true);
});

for (const text of [
  "<script>alert(1)</script>",
  `"><img src=x onerror=alert(1)>`,
  "</textarea><svg onload=alert(1)>",
  "{{ 7*7 }} javascript:alert(1) &lt;b&gt;",
]) {
  // That no script failed and no policy was broken is checked at the end of every test.
  test(`attack 23: ${text} is shown as it was written`, async ({ signIn }) => {
    const [carol, bob] = [await signIn("carol"), await signIn("bob")];
    const dialogs = [];
    for (const page of [carol, bob]) {
      page.on("dialog", (dialog) => {
        dialogs.push(dialog.message());
        return dialog.dismiss();
      });
    }
    await carol.goto("/?resource=projects/web-prod");
    await carol.getByRole("checkbox", { name: "roles/storage.admin" }).check();
    await carol.getByRole("checkbox", { name: "bob@example.com" }).check();
    await carol.getByLabel("Why").fill(text);
    await carol.getByRole("button", { name: "Check and send…" }).click();
    await expect(carol.getByRole("definition").filter({ hasText: text })).toBeVisible();
    await carol.getByRole("button", { name: "Change something" }).click();
    await expect(carol.getByLabel("Why")).toHaveValue(text);
    await carol.getByRole("button", { name: "Check and send…" }).click();
    await carol.getByRole("button", { name: "Send the request" }).click();
    await becomes(carol, "Waiting for approval");
    const path = new URL(carol.url()).pathname;

    await bob.goto("/waiting");
    await expect(bob.getByText(text, { exact: true })).toBeVisible();
    await bob.goto(path);
    await expect(bob.getByText(text, { exact: true })).toBeVisible();
    await bob.getByLabel("Comment").fill(text);
    await bob.getByRole("button", { name: "Deny" }).click();
    for (const page of [bob, carol]) {
      await becomes(page, "Denied");
      await expect(page.getByText(`“${text}”`)).toBeVisible();
    }
    for (const page of [bob, carol]) {
      await page.goto(`/history?q=${encodeURIComponent(text)}`);
      await expect(page.getByText("1 request", { exact: true })).toBeVisible();
      await expect(page.getByRole("searchbox", { name: "Search" })).toHaveValue(text);
      await expect(page.getByRole("cell", { name: text, exact: true })).toBeVisible();
      expect(await page.locator("img:not([alt='']), main script, main svg").count()).toBe(0);
    }
    await carol.goto(`/?like=${path.split("/").pop()}`);
    await expect(carol.getByLabel("Why")).toHaveValue(text);
    expect(dialogs).toEqual([]);
  });
}
