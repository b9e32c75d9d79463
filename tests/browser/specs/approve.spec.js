// A request, its approval by a peer in another browser, and its early end.
import { askForBuckets, becomes, bindingsOf, expect, test } from "../people.js";

const RESOURCE = "projects/web-prod";
const ROLE = "roles/storage.admin";

test("what a peer approves becomes access, and ends when it is given back", async ({ signIn }) => {
  const alice = await signIn("alice");
  const granted = () => bindingsOf("alice", RESOURCE, ROLE);

  await alice.getByLabel("Where do you need access?").fill("web-prod");
  await alice.getByRole("option", { name: RESOURCE }).click();
  await alice.getByRole("checkbox", { name: ROLE }).check();
  const reviewers = alice.getByRole("group", { name: "Who may approve" });
  await reviewers.getByRole("checkbox", { name: "bob@example.com" }).check();
  await alice.getByLabel("Why").fill("INC-4712: a bucket is public");
  await alice.getByLabel("How long").fill("15m");
  await alice.getByRole("button", { name: "Check and send…" }).click();

  await expect(alice.getByRole("heading", { name: "Check your request" })).toBeVisible();
  await expect(alice.getByText("bob@example.com must approve")).toBeVisible();
  const row = alice.getByRole("row", { name: ROLE });
  await expect(row).toContainText("everywhere on the resource");
  await alice.getByRole("button", { name: "Send the request" }).click();
  await expect(alice.getByText("Your request was sent.")).toBeVisible();
  await becomes(alice, "Waiting for approval");
  expect(await granted()).toEqual([]);

  const bob = await signIn("bob");
  await bob.getByRole("link", { name: "Waiting for me 1" }).click();
  await expect(bob.getByText("INC-4712: a bucket is public")).toBeVisible();
  await bob.getByRole("checkbox", { name: "alice@example.com" }).check();
  await bob.getByLabel("Comment").fill("for the incident only");
  await bob.getByRole("button", { name: "Approve 1 request" }).click();
  await expect(bob.getByText("Approved: 1.")).toBeVisible();
  await expect(bob.getByText("Nothing waits for you.")).toBeVisible();

  // Nobody loads alice's page again: it follows.
  await becomes(alice, "Active");
  await expect(alice.getByText(/^1[45] min left$/)).toBeVisible();
  await expect(alice.getByText("Approved by bob@example.com", { exact: true })).toBeVisible();
  await expect(alice.getByText("“for the incident only”")).toBeVisible();
  const [binding, ...others] = await granted();
  expect(others).toEqual([]);
  expect(binding.condition.description).toContain("Approved by bob@example.com");
  expect(binding.condition.expression).toContain("request.time < timestamp(");

  await alice.getByLabel("Why it ends").fill("done");
  await alice.getByRole("button", { name: "Give back early" }).click();
  await expect(alice.getByText("The request was ended.")).toBeVisible();
  await becomes(alice, "Ended early");
  await expect(alice.getByText("Ended by alice@example.com", { exact: true })).toBeVisible();
  await expect(alice.getByText("“done”")).toBeVisible();
  await expect(alice.getByRole("button", { name: "Give back early" })).toBeHidden();
  await expect.poll(granted).toEqual([]);
});

test("a reviewer ends what they approved", async ({ signIn }) => {
  const [carol, bob] = [await signIn("carol"), await signIn("bob")];
  const path = await askForBuckets(carol, "INC-4713: a bucket is full");
  await bob.goto(path);
  await bob.getByRole("button", { name: "Approve" }).click();
  await expect(bob.getByText("Your approval was written; what comes of it stands below.")).toBeVisible();
  await becomes(bob, "Active");
  await carol.goto(path);
  await becomes(carol, "Active");
  await bob.getByRole("button", { name: "End this access" }).click();
  await becomes(carol, "Ended early");
  await expect(carol.getByText("Ended by bob@example.com", { exact: true })).toBeVisible();
  await expect.poll(() => bindingsOf("carol", RESOURCE, ROLE)).toEqual([]);
});
