// Nobody comes in but through Identity-Aware Proxy, and who is refused sees what to do.
import { accessible, demo, expect, test } from "../people.js";

const AUDIENCE = "/projects/1/global/backendServices/1";
const NOBODY = "open JIT Access by its public address";
const UNPROVEN = "Your sign-in could not be verified";

/** An assertion as the simulated Google signs it, bent as asked for. */
async function minted(bent) {
  const answer = await fetch(`${demo().google}/control/iap/assertion`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email: "alice@example.com", audience: AUDIENCE, ...bent }),
  });
  expect(answer.ok).toBe(true);
  return (await answer.text()).trim();
}

/** A page in a browser that reaches the web UI past the proxy. */
async function past(browser, headers) {
  const context = await browser.newContext({ baseURL: demo().webui, extraHTTPHeaders: headers });
  return context.newPage();
}

async function refused(page, path, sentence) {
  const answer = await page.goto(path);
  expect(answer.status()).toBe(401);
  await expect(page.getByRole("heading", { name: "Not signed in" })).toBeVisible();
  await expect(page.getByText(sentence)).toBeVisible();
  await expect(page.getByText("@example.com")).toBeHidden();
  await expect(page.getByRole("link", { name: "Back to JIT Access" })).toHaveAttribute("href", "/");
}

test("attack 22: past the proxy there is no page for anybody", async ({ browser }) => {
  const page = await past(browser, {
    "x-goog-authenticated-user-email": "accounts.google.com:alice@example.com",
  });
  for (const path of ["/", "/requests", "/waiting", "/history", "/nowhere"]) {
    await refused(page, path, NOBODY);
  }
  // Its style is refused too, and what a browser paints behind a page in the dark is not seen by axe.
  await accessible(page, ["light"]);
  await page.context().close();
});

for (const [what, bent] of Object.entries({
  "that is over": { overrides: { exp: 1_700_000_000, iat: 1_699_999_400 } },
  "for another application": { audience: "/projects/1/global/backendServices/2" },
  "with no signature": { unsigned: true },
  "signed by somebody else": { key: "other" },
  "without an end": { overrides: { exp: null } },
})) {
  test(`attack 22: an assertion ${what} lets nobody in`, async ({ browser }) => {
    const page = await past(browser, { "x-goog-iap-jwt-assertion": await minted(bent) });
    await refused(page, "/requests", UNPROVEN);
    await page.context().close();
  });
}

test("attack 22: an account of another identity source is told so", async ({ browser }) => {
  const overrides = { sub: "securetoken.google.com/p/tenant:1" };
  const page = await past(browser, { "x-goog-iap-jwt-assertion": await minted({ overrides }) });
  const answer = await page.goto("/requests");
  expect(answer.status()).toBe(403);
  await expect(page.getByRole("heading", { name: "Not with this account" })).toBeVisible();
  await page.context().close();
});

test("a proper assertion lets its person in, and nobody else", async ({ browser }) => {
  const page = await past(browser, { "x-goog-iap-jwt-assertion": await minted({}) });
  await page.goto("/requests");
  await expect(page.getByText("Signed in as alice@example.com")).toBeVisible();
  await page.context().close();
});

test("attack 23: another site neither sends a form in somebody's name nor shows a page of ours", async ({
  signIn,
}) => {
  const page = await signIn("alice", { breaksPolicy: true });
  // Another port is another origin, and of the same site: the browser sends the cookie along.
  const elsewhere = `${demo().webui}/elsewhere`;
  await page.route(elsewhere, (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<!doctype html><title>Elsewhere</title>
        <iframe src="${demo().web}/" title="framed"></iframe>
        <form method="post" action="${demo().web}/requests">
        <input name="resource" value="projects/web-prod"><button>Win a prize</button></form>`,
    }),
  );
  const isRefused = page.waitForEvent("requestfailed", (one) => one.url() === `${demo().web}/`);
  await page.goto(elsewhere);
  await isRefused;
  await expect(page.frameLocator("iframe").getByText("Ask for access")).toHaveCount(0);
  await page.getByRole("button", { name: "Win a prize" }).click();
  await expect(page.getByRole("heading", { name: "Not from here" })).toBeVisible();
  await accessible(page);
  await page.getByRole("link", { name: "Back to JIT Access" }).click();
  await expect(page.getByText("Signed in as alice@example.com")).toBeVisible();
});
