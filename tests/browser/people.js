// What the specs share: the demo's addresses, people who signed in, accessibility, screenshots.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, test as base } from "@playwright/test";

export { expect };

/** The folder of the screenshots that the documentation shows. */
const IMAGES = new URL("../../docs/images/", import.meta.url).pathname;

/** `web` (through Identity-Aware Proxy), `google` (the simulated Google Cloud), `kubeconfig`, `logs`. */
export function demo() {
  return JSON.parse(process.env.JIT_ACCESS_DEMO);
}

/**
 * `test` with `signIn("alice")`: a page in a browser of that person's own, which ends with the test. It
 * fails the test when a script of the page fails, or the page breaks its own content security policy.
 */
export const test = base.extend({
  signIn: async ({ browser }, use) => {
    const contexts = [];
    const problems = [];
    await use(async (name, options = {}) => {
      const { path = "/", ...context } = options;
      const own = await browser.newContext({ baseURL: demo().web, ...context });
      contexts.push(own);
      const page = await own.newPage();
      page.on("pageerror", (error) => problems.push(`${page.url()}: ${error}`));
      page.on("console", (message) => {
        if (/content security policy/i.test(message.text())) problems.push(message.text());
      });
      await page.goto(path);
      await page.getByRole("button", { name: `${name}@example.com` }).click();
      return page;
    });
    for (const context of contexts) await context.close();
    expect(problems, "no script of a page fails").toEqual([]);
  },
});

/** Nothing on the page shuts anybody out, in light and in dark, as far as a program can tell. */
export async function accessible(page) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    const found = violations.map(
      ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(", ")}`,
    );
    expect(found, `${page.url()} in ${colorScheme} colours`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null });
}

/**
 * Takes the picture docs/images/NAME.png where UPDATE_SCREENSHOTS is 1. In every run the page must show
 * what the picture is taken for: each of these texts.
 */
export async function screenshot(page, name, texts, options = {}) {
  for (const text of texts) await expect(page.getByText(text).first()).toBeVisible();
  if (process.env.UPDATE_SCREENSHOTS !== "1") return;
  mkdirSync(IMAGES, { recursive: true });
  await page.screenshot({
    path: join(IMAGES, `${name}.png`),
    scale: "css",
    animations: "disabled",
    caret: "hide",
    ...options,
  });
}
