// What the form says while somebody chooses.
import { ask, askForBuckets, becomes, expect, test } from "../people.js";

const WEB = "/?resource=projects/web-prod";

test("roles that cannot go together say why, and are parted by one button", async ({ signIn }) => {
  const page = await signIn("alice", { path: WEB });
  const own = page.getByRole("checkbox", { name: "roles/compute.osAdminLogin" });
  const peer = page.getByRole("checkbox", { name: "roles/storage.admin" });
  await own.check();
  await expect(page.getByRole("group", { name: "Who may approve" })).toBeHidden();
  await peer.check();
  const why = page.getByText("Roles of both kinds cannot go together in one request");
  await expect(why.last()).toBeVisible();
  await page.getByRole("button", { name: "Keep what a peer approves" }).click();
  await expect(own).not.toBeChecked();
  await expect(peer).toBeChecked();
  await expect(page.getByRole("button", { name: "Keep what a peer approves" })).toBeHidden();
  await expect(page.getByRole("group", { name: "Who may approve" })).toBeVisible();
});

test("a peer who could not approve a chosen role cannot be chosen, and it says why", async ({
  signIn,
}) => {
  const page = await signIn("alice", { path: WEB });
  const reviewers = page.getByRole("group", { name: "Who may approve" });
  const carol = reviewers.getByRole("checkbox", { name: "carol@example.com" });
  await page.getByRole("checkbox", { name: "roles/storage.admin" }).check();
  await expect(carol).toBeEnabled();
  await page.getByRole("checkbox", { name: "roles/container.admin" }).check();
  await expect(carol).toBeDisabled();
  await expect(reviewers.getByText(/^cannot approve /)).toBeVisible();
  await expect(reviewers.getByRole("checkbox", { name: "bob@example.com" })).toBeEnabled();
  await page.getByRole("checkbox", { name: "roles/container.admin" }).uncheck();
  await expect(carol).toBeEnabled();
});

test("who names a peer that could not approve is warned before it is sent", async ({ signIn }) => {
  const page = await signIn("alice", { path: WEB });
  await page.getByRole("checkbox", { name: "roles/container.admin" }).check();
  await page.getByLabel("Others, by e-mail address").fill("carol@example.com");
  await page.getByLabel("Why").fill("INC-4741: a cluster");
  await page.getByRole("button", { name: "Check and send…" }).click();
  await expect(page.getByText("carol@example.com could not approve all of this")).toBeVisible();
});

test("a wrong field says what is wrong beside it, and keeps what was typed", async ({ signIn }) => {
  const page = await signIn("alice", { path: WEB });
  await page.getByRole("checkbox", { name: "roles/compute.osAdminLogin" }).check();
  await page.getByLabel("Why").fill("INC-4742: a long one");
  await page.getByLabel("How long").fill("9h");
  await page.getByRole("button", { name: "Check and send…" }).click();
  const duration = page.getByRole("combobox", { name: "How long" });
  await expect(duration).toHaveValue("9h");
  await expect(duration).toHaveAttribute("aria-invalid", "true");
  await expect(duration).toHaveAccessibleDescription(/9h.*2h/);
  await expect(page.getByRole("checkbox", { name: "roles/compute.osAdminLogin" })).toBeChecked();
  await duration.fill("10m");
  await page.getByRole("button", { name: "Check and send…" }).click();
  await expect(page.getByRole("heading", { name: "Check your request" })).toBeVisible();
});

test("the search has first what one looked at last, in a new window too", async ({ signIn }) => {
  const page = await signIn("alice", { path: "/?resource=projects/payments-prod" });
  await expect(page.getByLabel("Why")).toBeVisible();
  const browser = page.context();
  await page.close();
  const other = await browser.newPage();
  const search = other.getByRole("combobox", { name: "Where do you need access?" });
  await other.goto("/");
  await search.click();
  const first = other.getByRole("option").first();
  await expect(first).toContainText("projects/payments-prod");
  await expect(first).toContainText("Looked at last");
  await first.click();
  await expect(other).toHaveURL(/\?resource=projects%2Fpayments-prod$/);

  // It is nobody else's, even in the same browser.
  await other.goto("/_gcp_iap/clear_login_cookie");
  await other.getByRole("button", { name: "bob@example.com" }).click();
  await other.goto("/");
  await search.click();
  await expect(first).toBeVisible();
  await expect(other.getByText("Looked at last")).toBeHidden();
});

test("“Ask again” fills in the form as before", async ({ signIn }) => {
  const page = await signIn("carol");
  const justification = "INC-4743: the same again\nand a second line";
  const path = await askForBuckets(page, justification);
  await page.goto(path);
  await page.getByRole("button", { name: "Withdraw this request" }).click();
  await becomes(page, "Withdrawn");
  await page.getByRole("link", { name: "Ask again" }).click();
  await expect(page.getByText("projects/web-prod")).toBeVisible();
  await expect(page.getByRole("checkbox", { name: "roles/storage.admin" })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "bob@example.com" })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "alice@example.com" })).not.toBeChecked();
  await expect(page.getByLabel("Why")).toHaveValue(justification);
  await expect(page.getByLabel("How long")).toHaveValue("15m");
});

test("the form shows what one has already, and for how long", async ({ signIn }) => {
  const page = await signIn("bob");
  const role = "roles/compute.osAdminLogin";
  const path = await ask(page, {
    resource: "projects/web-prod",
    role,
    justification: "INC-4744: log in",
    duration: "30m",
  });
  await page.goto(path);
  await becomes(page, "Active");
  await page.goto(WEB);
  const item = page.getByRole("listitem").filter({ hasText: role });
  await expect(item.getByText("Active")).toBeVisible();
  await expect(item.getByText(/^(29|30) min left$/)).toBeVisible();
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Asked for before" })).toBeVisible();
});

test("a resource that the lists do not have can be named", async ({ signIn }) => {
  const page = await signIn("alice");
  await page.getByText("Not in the lists?").click();
  await page.getByLabel("Name of the resource").fill("projects/web-test");
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(page.getByText("projects/web-test")).toBeVisible();
  await page.goto("/?resource=web-test");
  await expect(page.getByLabel("Name of the resource")).toHaveAttribute("aria-invalid", "true");
});
