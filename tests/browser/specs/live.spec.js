// Pages that follow what they show, over a network that does not always let them.
import { askForBuckets, becomes, expect, test } from "../people.js";

test("a stream that was ended is opened again, and what changed meanwhile is shown", async ({
  signIn,
}) => {
  const [alice, bob] = [await signIn("alice"), await signIn("bob")];
  const path = await askForBuckets(alice, "INC-4781: a bucket is full");
  let streams = 0;
  let change;
  const changed = new Promise((resolve) => {
    change = resolve;
  });
  await alice.route("**/live?*", async (route) => {
    streams += 1;
    // The first one ends as by a load balancer's time-out, and the next has to wait.
    if (streams === 1) return route.fulfill({ contentType: "text/event-stream", body: ":\n\n" });
    await changed;
    return route.continue();
  });
  await bob.goto(path);
  await alice.goto(path);
  await becomes(alice, "Waiting for approval");
  const loaded = await loadedAt(alice);
  await expect.poll(() => streams).toBe(2);
  await deny(bob);
  await becomes(alice, "Waiting for approval");
  change();
  await becomes(alice, "Denied");
  expect(await loadedAt(alice), "nobody loaded the page").toBe(loaded);
});

test("where no stream can be opened the page looks for itself", async ({ signIn }) => {
  const [alice, bob] = [await signIn("alice"), await signIn("bob")];
  const path = await askForBuckets(alice, "INC-4782: a bucket is full");
  await alice.route("**/live?*", (route) => route.abort());
  await bob.goto(path);
  await alice.goto(path);
  await becomes(alice, "Waiting for approval");
  const loaded = await loadedAt(alice);
  await deny(bob);
  await becomes(alice, "Denied");
  expect(await loadedAt(alice), "nobody loaded the page").toBe(loaded);
});

/** When the browser loaded the page. */
function loadedAt(page) {
  return page.evaluate(() => performance.timeOrigin);
}

async function deny(page) {
  await page.getByRole("button", { name: "Deny" }).click();
  await becomes(page, "Denied");
}
