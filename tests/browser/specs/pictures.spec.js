// The pictures of the documentation, taken where UPDATE_SCREENSHOTS is 1; always what they show.
import { ask, askForBuckets, becomes, expect, screenshot, test } from "../people.js";

const size = { viewport: { width: 1000, height: 760 } };
const whole = { fullPage: true };

test("from the form to access", async ({ signIn }) => {
  const alice = await signIn("alice", { ...size, path: "/?resource=projects/web-prod" });
  await alice.getByRole("checkbox", { name: "roles/storage.admin" }).check();
  await alice.getByRole("checkbox", { name: "bob@example.com" }).check();
  await alice.getByLabel("Why").fill("INC-4711: the bucket of the shop is public");
  await alice.getByLabel("How long").fill("30m");
  await screenshot(
    alice,
    "ask",
    ["You activate these yourself", "A peer must approve these", "Who may approve", "How long"],
    whole,
  );

  await alice.getByRole("button", { name: "Check and send…" }).click();
  const previewed = ["What will be granted", "Storage Admin", "one of bob@example.com", "INC-4711"];
  await screenshot(alice, "preview", previewed);
  await alice.getByRole("button", { name: "Send the request" }).click();
  await becomes(alice, "Waiting for approval");

  const carol = await signIn("carol");
  await askForBuckets(carol, "INC-4711: the logs of the shop's bucket");
  const bob = await signIn("bob", { ...size, path: "/waiting" });
  await expect(bob.getByRole("article")).toHaveCount(2);
  await bob.getByRole("checkbox", { name: "alice@example.com" }).check();
  await bob.getByLabel("Comment").fill("Seen with alice");
  await screenshot(bob, "waiting", ["Waiting for me", "INC-4711", "Approve 1 request"], whole);

  const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
  const onPhone = await signIn("bob", { ...phone, path: "/waiting" });
  await onPhone.getByRole("checkbox", { name: "alice@example.com" }).check();
  await screenshot(onPhone, "phone", ["alice@example.com", "Approve 1 request"]);

  await bob.getByRole("button", { name: "Approve 1 request" }).click();
  await expect(bob.getByText("Approved: 1.")).toBeVisible();
  await becomes(alice, "Active");
  // Without the note on what was done last.
  await alice.reload();
  const happened = ["Asked for by alice@example.com", "Approved by bob@example.com", "Access began"];
  await screenshot(alice, "request", ["Active", "Give back early", ...happened], whole);

  await ask(alice, {
    resource: "projects/web-prod",
    role: "roles/compute.osAdminLogin",
    justification: "INC-4712: web-1 does not answer",
    duration: "1h",
  });
  await alice.goto("/requests");
  await alice.emulateMedia({ colorScheme: "dark" });
  await expect(alice.getByText("INC-4712: web-1 does not answer")).toBeVisible();
  await becomes(alice, "Active");
  await screenshot(alice, "dark", ["My requests", "INC-4711", "INC-4712"]);
});
