// Several decisions at once.
import { askForBuckets, becomes, expect, test } from "../people.js";

test("a reviewer decides about several requests at once", async ({ signIn }) => {
  const [alice, carol] = [await signIn("alice"), await signIn("carol")];
  const bob = await signIn("bob", { path: "/waiting" });
  const paths = [
    await askForBuckets(alice, "INC-4731: the first bucket"),
    await askForBuckets(carol, "INC-4731: the second bucket"),
    await askForBuckets(carol, "INC-4731: the third bucket"),
  ];
  // The page has them without being loaded again.
  await expect(bob.getByRole("article")).toHaveCount(3);
  const of = (text) => bob.getByRole("article").filter({ hasText: text }).getByRole("checkbox");
  await of("the third bucket").check();
  await expect(bob.getByRole("button", { name: "Approve 1 request" })).toBeVisible();
  await bob.getByRole("checkbox", { name: "Choose all 3" }).check();
  await of("the third bucket").uncheck();
  await bob.getByLabel("Comment").fill("all of the incident");
  await bob.getByRole("button", { name: "Approve 2 requests" }).click();
  await expect(bob.getByText("Approved: 2.")).toBeVisible();
  await expect(bob.getByRole("article")).toHaveCount(1);

  await of("the third bucket").check();
  await bob.getByRole("button", { name: "Deny 1 request" }).click();
  await expect(bob.getByText("Denied: 1.")).toBeVisible();
  for (const [page, path, state] of [
    [alice, paths[0], "Active"],
    [carol, paths[1], "Active"],
    [carol, paths[2], "Denied"],
  ]) {
    await page.goto(path);
    await becomes(page, state);
  }
});

test("what is chosen and typed stays while others ask", async ({ signIn }) => {
  const carol = await signIn("carol");
  await askForBuckets(carol, "INC-4732: the first bucket");
  const bob = await signIn("bob", { path: "/waiting" });
  await bob.getByRole("checkbox", { name: "carol@example.com" }).check();
  const comment = bob.getByLabel("Comment");
  await comment.pressSequentially("I looked ");
  await askForBuckets(carol, "INC-4732: the second bucket");
  await expect(bob.getByRole("article")).toHaveCount(2);
  await expect(comment).toBeFocused();
  await bob.keyboard.type("at it");
  await expect(comment).toHaveValue("I looked at it");
  await expect(bob.getByRole("button", { name: "Approve 1 request" })).toBeVisible();
});

test("attack 5: who was slow is told that it is over", async ({ signIn }) => {
  const carol = await signIn("carol");
  const path = await askForBuckets(carol, "INC-4733: not needed any more");
  // Without scripts, so that the page does not follow.
  const bob = await signIn("bob", { path, javaScriptEnabled: false });
  await expect(bob.getByRole("button", { name: "Approve" })).toBeVisible();
  await carol.goto(path);
  await carol.getByRole("button", { name: "Withdraw this request" }).click();
  await becomes(carol, "Withdrawn");
  await bob.getByRole("button", { name: "Approve" }).click();
  await expect(bob.getByRole("heading", { name: "This was not done" })).toBeVisible();
  await expect(bob.getByText("This request has ended already")).toBeVisible();
  await bob.getByRole("link", { name: "Look at the request" }).click();
  await becomes(bob, "Withdrawn");
});
