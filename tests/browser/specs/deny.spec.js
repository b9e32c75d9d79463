// What a peer denies, and what its requester takes back.
import { askForBuckets, becomes, bindingsOf, expect, test, tomorrow } from "../people.js";

test("who asked sees a denial at once, with its reason", async ({ signIn }) => {
  const [alice, bob] = [await signIn("alice"), await signIn("bob")];
  const path = await askForBuckets(alice, "Just looking around");
  await alice.goto(path);
  await becomes(alice, "Waiting for approval");
  await bob.goto(path);
  await expect(bob.getByRole("heading", { name: "Your decision" })).toBeVisible();
  await bob.getByLabel("Comment").fill("Not without a case number.");
  await bob.getByRole("button", { name: "Deny" }).click();
  await expect(bob.getByText("Your denial was written.")).toBeVisible();
  await expect(bob.getByRole("heading", { name: "Your decision" })).toBeHidden();

  await becomes(alice, "Denied");
  await expect(alice.getByText("Denied by bob@example.com", { exact: true })).toBeVisible();
  await expect(alice.getByText("“Not without a case number.”")).toBeVisible();
  expect(await bindingsOf("alice", "projects/web-prod", "roles/storage.admin")).toEqual([]);
});

test("what is approved and has not begun yet can be denied, with a reason", async ({ signIn }) => {
  const [alice, bob] = [await signIn("alice"), await signIn("bob")];
  const path = await askForBuckets(alice, "INC-4719: move the buckets", { start: tomorrow() });
  await bob.goto(path);
  await bob.getByRole("button", { name: "Approve" }).click();
  await becomes(bob, "Scheduled");
  await bob.getByLabel("Comment").fill("It was moved today.");
  await bob.getByRole("button", { name: "Deny" }).click();
  await becomes(bob, "Denied");
  await alice.goto(path);
  await expect(alice.getByText("“It was moved today.”")).toBeVisible();
});

test("a request that was withdrawn waits for nobody", async ({ signIn }) => {
  const [carol, bob] = [await signIn("carol"), await signIn("bob")];
  await bob.getByRole("link", { name: "Waiting for me" }).click();
  await expect(bob.getByText("Nothing waits for you.")).toBeVisible();
  const path = await askForBuckets(carol, "INC-4714: not needed after all");
  await expect(bob.getByRole("link", { name: "Waiting for me 1" })).toBeVisible();
  await expect(bob.getByText("INC-4714: not needed after all")).toBeVisible();
  await carol.goto(path);
  await carol.getByRole("button", { name: "Withdraw this request" }).click();
  await becomes(carol, "Withdrawn");
  await expect(bob.getByText("Nothing waits for you.")).toBeVisible();
});
