// Times are the reader's own.
import { expect, test } from "../people.js";

test("times are of the reader's zone, and say which that is", async ({ signIn }) => {
  const page = await signIn("alice", { timezoneId: "Asia/Tokyo" });
  const time = page.getByRole("main").getByRole("time").first();
  await expect(time).toHaveText(/^\d+ \w+ \d{4}, \d\d:\d\d\sGMT\+9$/);
  await expect(time).toHaveAttribute("title", /, \d\d:\d\d UTC$/);

  await page.goto("/?resource=projects/web-prod");
  await page.getByText("Start later, or narrow the access").click();
  await page.getByLabel("Start, in UTC").fill("2026-11-23 20:00");
  await expect(page.getByText("That is 24 Nov 2026, 05:00 GMT+9 where you are.")).toBeVisible();
});

test("whoever lives in UTC is told no zone", async ({ signIn }) => {
  const page = await signIn("alice");
  const time = page.getByRole("main").getByRole("time").first();
  await expect(time).toHaveText(/^\d+ \w+ \d{4}, \d\d:\d\d$/);
});
