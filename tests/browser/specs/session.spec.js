// A session that ends, and an account that changes.
import { accessible, askForBuckets, becomes, demo, expect, test } from "../people.js";

const SIGN_OUT = "/_gcp_iap/clear_login_cookie";
const WEB = "/?resource=projects/web-prod";

test("“Change account” leads to the choice of another one", async ({ signIn }) => {
  const page = await signIn("alice", { path: "/requests" });
  await page.getByRole("link", { name: "Change account" }).click();
  await expect(page.getByRole("heading", { name: "Choose who you are" })).toBeVisible();
  await page.getByRole("button", { name: "bob@example.com" }).click();
  await expect(page.getByText("Signed in as bob@example.com")).toBeVisible();
});

test("who signed out meanwhile comes back to the page they wanted", async ({ signIn }) => {
  const page = await signIn("carol");
  await signOut(page);
  await page.getByRole("link", { name: "History" }).click();
  await page.getByRole("button", { name: "carol@example.com" }).click();
  await expect(page).toHaveURL(/\/history$/);
});

test("a page that follows says that its session is over", async ({ signIn }) => {
  // The simulated sign-in page, which the page's script is answered with, has its style within.
  const carol = await signIn("carol", { breaksPolicy: true });
  const bob = await signIn("bob");
  const path = await askForBuckets(carol, "INC-4761: slow");
  await carol.goto(path);
  await becomes(carol, "Waiting for approval");
  await signOut(carol);
  await bob.goto(path);
  await bob.getByRole("button", { name: "Deny" }).click();
  await expect(carol.getByText("You are signed out by now")).toBeVisible();
  await accessible(carol);
  await carol.getByRole("link", { name: "Load it again" }).click();
  await carol.getByRole("button", { name: "carol@example.com" }).click();
  await becomes(carol, "Denied");
});

test("a search says that its session is over", async ({ signIn }) => {
  const page = await signIn("carol");
  await signOut(page);
  await page.getByRole("combobox", { name: "Where do you need access?" }).fill("web");
  await expect(page.getByText("You are signed out by now")).toBeVisible();
});

test("what was filled in is sent after signing in again", async ({ signIn }) => {
  const page = await signIn("alice", { path: WEB, breaksPolicy: true });
  await page.getByRole("checkbox", { name: "roles/compute.osAdminLogin" }).check();
  await page.getByLabel("Why").fill("INC-4762: typed for long");
  await page.getByLabel("How long").fill("10m");
  // Google's sign-in page is of another site, where no form of this page may lead.
  const signIns = new URL("/_gcp_iap/sign_in", demo().web);
  signIns.hostname = "localhost";
  const preview = `${demo().web}/preview`;
  await page.route(preview, (route) =>
    route.fulfill({ status: 302, headers: { location: signIns.href } }),
  );
  await page.getByRole("button", { name: "Check and send…" }).click();
  await expect(page.getByText("You are signed out by now, and nothing was sent.")).toBeVisible();
  await accessible(page);
  await expect(page.getByLabel("Why")).toHaveValue("INC-4762: typed for long");
  await expect(page.getByRole("link", { name: "sign in again in a new window" })).toHaveAttribute(
    "href",
    "/_gcp_iap/do_session_refresh",
  );

  await page.unroute(preview);
  await page.getByRole("button", { name: "Check and send…" }).click();
  await expect(page.getByRole("definition").filter({ hasText: "INC-4762" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Send the request" })).toBeVisible();
});

test("a form that is sent without a session leads to signing in", async ({ signIn }) => {
  const page = await signIn("alice", { path: WEB });
  await page.getByRole("checkbox", { name: "roles/compute.osAdminLogin" }).check();
  await page.getByLabel("Why").fill("INC-4763: lost");
  await signOut(page);
  await page.getByRole("button", { name: "Check and send…" }).click();
  await expect(page.getByRole("heading", { name: "Choose who you are" })).toBeVisible();
});

/** Signs out in another tab. */
async function signOut(page) {
  const other = await page.context().newPage();
  await other.goto(SIGN_OUT);
  await other.close();
}
