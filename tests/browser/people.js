// What the specs share: the demo's addresses, people who signed in, accessibility, screenshots.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, request as http, test as base } from "@playwright/test";

export { expect };

/** The folder of the screenshots that the documentation shows. */
const IMAGES = new URL("../../docs/images/", import.meta.url).pathname;

/** `web` (through Identity-Aware Proxy), `webui` (past it), `google` (the simulated Google Cloud), `kubeconfig`, `logs`. */
export function demo() {
  return JSON.parse(process.env.JIT_ACCESS_DEMO);
}

/** What the API requests of a test say as the browser would: they come from a page of the site. */
const FROM_OURS = { "Sec-Fetch-Site": "same-origin" };

/**
 * `test` with `signIn("alice")`: a page in a browser of that person's own, which ends with the test, and
 * with it everything that the person has or waits for. It fails the test when a script of the page fails,
 * or the page breaks its own content security policy, other than where `breaksPolicy` is said.
 */
export const test = base.extend({
  signIn: async ({ browser }, use) => {
    const contexts = [];
    const people = new Set();
    const problems = [];
    await use(async (name, options = {}) => {
      const { path = "/", breaksPolicy = false, ...context } = options;
      const own = await browser.newContext({ baseURL: demo().web, ...context });
      contexts.push(own);
      people.add(name);
      const page = await own.newPage();
      page.on("pageerror", (error) => problems.push(`${page.url()}: ${error}`));
      page.on("console", (message) => {
        const isOfPolicy = /content security policy/i.test(message.text());
        if (isOfPolicy && !breaksPolicy) problems.push(message.text());
      });
      await page.goto(path);
      await page.getByRole("button", { name: `${name}@example.com` }).click();
      await page.waitForURL((address) => !address.pathname.startsWith("/_gcp_iap/"));
      return page;
    });
    for (const context of contexts) await context.close();
    for (const name of people) await endAll(name);
    expect(problems, "no script of a page fails").toEqual([]);
  },
});

/** Ends what a person has or waits for: the tests share one demo, and nobody may have many at once. */
async function endAll(name) {
  const person = await http.newContext({ baseURL: demo().web });
  await person.post("/_gcp_iap/sign_in", { form: { account: `${name}@example.com` } });
  const list = await (await person.get("/requests")).text();
  for (const address of new Set(list.match(/\/requests\/[a-z0-9-]+/g))) {
    const page = await (await person.get(address)).text();
    const uid = page.match(/action="[^"]*\/end"[^>]*>\s*<input[^>]* name="uid" value="([^"]+)"/)?.[1];
    if (uid) await person.post(`${address}/end`, { headers: FROM_OURS, form: { uid } });
  }
  await person.dispose();
}

/**
 * Asks for access as whoever is signed in on the page, without filling in the form there. A field may have
 * a list of values. Returns the path of the request.
 */
export async function ask(page, fields) {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) form.append(name, one);
  }
  const answer = await page.request.post("/requests", {
    headers: { ...FROM_OURS, "Content-Type": "application/x-www-form-urlencoded" },
    data: form.toString(),
  });
  const path = new URL(answer.url()).pathname;
  expect(path, "the request was sent").toMatch(/^\/requests\/[a-z0-9-]+$/);
  return path;
}

/**
 * Asks for access to the buckets of the web, which a peer must approve. Returns the path of the request as
 * soon as it waits for that: before, it is shown to no reviewer.
 */
export async function askForBuckets(page, justification, more = {}) {
  const path = await ask(page, {
    resource: "projects/web-prod",
    "peer-role": "roles/storage.admin",
    reviewer: "bob@example.com",
    justification,
    duration: "15m",
    ...more,
  });
  const text = async () => (await page.request.get(path)).text();
  await expect.poll(text).toContain("Waiting for approval");
  return path;
}

/** A time that one may ask for, as the form takes it. */
export function tomorrow() {
  return new Date(Date.now() + 86_400_000).toISOString().slice(0, 16).replace("T", " ");
}

/** The state of the request whose page it is, as soon as it is that. */
export async function becomes(page, state, timeout = undefined) {
  const badge = page.locator("#main").getByText(state, { exact: true }).first();
  await expect(badge).toBeVisible({ timeout });
}

/** The bindings of a role in a policy of the simulated Google Cloud that JIT Access made for a person. */
export async function bindingsOf(name, resource, wanted) {
  const answer = await fetch(`${demo().google}/control/policy?resource=${resource}`);
  const { bindings = [] } = await answer.json();
  return bindings.filter(
    ({ condition, members, role }) =>
      condition?.title.startsWith("jit-access ") &&
      members.includes(`user:${name}@example.com`) &&
      role === wanted,
  );
}

/** Nothing on the page shuts anybody out, in light and in dark, as far as a program can tell. */
export async function accessible(page, schemes = ["light", "dark"]) {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Without frames on the page axe needs no second one for its work.
    const axe = new AxeBuilder({ page }).setLegacyMode();
    // In the dark nothing but the colours differs.
    if (colorScheme === "dark") axe.withRules(["color-contrast"]);
    const { violations } = await axe.analyze();
    const found = violations.map(
      ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(", ")}`,
    );
    expect(found, `${page.url()} in ${colorScheme} colours`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

/**
 * Takes the picture docs/images/NAME.png where UPDATE_SCREENSHOTS is 1. In every run the page must show
 * what the picture is taken for: each of these texts.
 */
export async function screenshot(page, name, texts, options = {}) {
  for (const text of texts) {
    await expect(page.getByText(text).filter({ visible: true }).first()).toBeVisible();
  }
  if (process.env.UPDATE_SCREENSHOTS !== "1") return;
  mkdirSync(IMAGES, { recursive: true });
  const path = join(IMAGES, `${name}.png`);
  await page.screenshot({ path, scale: "css", animations: "disabled", caret: "hide", ...options });
  // A third of the size where this program is there; the picture is good without it.
  spawnSync("pngquant", ["--force", "--ext=.png", "--skip-if-larger", path]);
}
