// The pictures of the documentation, taken where UPDATE_SCREENSHOTS is 1; always what they show.
import { ask, askForBuckets, becomes, expect, screenshot, test } from "../people.js";

const sized = (height) => ({ width: 1000, height });

test("from the form to access", async ({ signIn }) => {
  const alice = await signIn("alice", {
    viewport: sized(1320),
    path: "/?resource=projects/web-prod",
  });
  await alice.getByRole("checkbox", { name: "roles/storage.admin" }).check();
  await alice.getByRole("checkbox", { name: "bob@example.com" }).check();
  await alice.getByLabel("Why").fill("INC-4711: the bucket of the shop is public");
  await alice.getByLabel("How long").fill("30m");
  const offered = ["You activate these yourself", "A peer must approve these", "Who may approve"];
  await alice.mouse.wheel(0, -2000);
  await screenshot(alice, "ask", offered);

  await alice.getByRole("button", { name: "Check and send…" }).click();
  const previewed = ["What will be granted", "Storage Admin", "bob@example.com must approve", "INC-4711"];
  await alice.setViewportSize(sized(660));
  await screenshot(alice, "preview", previewed);
  await alice.getByRole("button", { name: "Send the request" }).click();
  await becomes(alice, "Waiting for approval");
  const { pathname: path } = new URL(alice.url());

  const carol = await signIn("carol");
  await askForBuckets(carol, "INC-4711: the logs of the shop's bucket");
  const bob = await signIn("bob", { viewport: sized(1110), path: "/waiting" });
  await expect(bob.getByRole("article")).toHaveCount(2);
  await bob.getByRole("checkbox", { name: "alice@example.com" }).check();
  await bob.getByLabel("Comment").fill("Seen with alice");
  await screenshot(bob, "waiting", ["Waiting for me", "INC-4711", "Approve 1 request"]);

  const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
  const onPhone = await signIn("bob", { ...phone, path });
  await screenshot(onPhone, "phone", ["Storage Admin", "Waiting for approval", "Your decision"]);

  await bob.getByRole("button", { name: "Approve 1 request" }).click();
  await expect(bob.getByText("Approved: 1.")).toBeVisible();
  await becomes(alice, "Active");
  // Without the note on what was done last.
  await alice.reload();
  const happened = ["Asked for by alice@example.com", "Approved by bob@example.com", "Access began"];
  await screenshot(alice, "request", ["Active", "Give back early", ...happened], {
    fullPage: true,
  });

  await ask(alice, {
    resource: "projects/web-prod",
    role: "roles/compute.osAdminLogin",
    justification: "INC-4712: web-1 does not answer",
    duration: "1h",
  });
  await alice.goto("/requests");
  await alice.emulateMedia({ colorScheme: "dark" });
  await expect(alice.getByText("INC-4712: web-1 does not answer").first()).toBeVisible();
  await becomes(alice, "Active");
  // What ended is of other tests.
  await alice.setViewportSize(sized(350));
  await screenshot(alice, "dark", ["My requests", "INC-4711", "INC-4712"]);
});
