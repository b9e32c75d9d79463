// How the browser tests run: one after another in Debian's Chromium, on one demo that they share.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "specs",
  // The demo has one state for all.
  workers: 1,
  fullyParallel: false,
  // A test that fails now and then is one that fails.
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  globalSetup: "./demo.js",
  reporter: "./reporter.js",
  outputDir: "results",
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    deviceScaleFactor: 1,
    locale: "en-GB",
    timezoneId: "UTC",
    actionTimeout: 15_000,
    screenshot: "only-on-failure",
    // Where a picture says too little: a trace of every test costs much time.
    trace: process.env.TRACE === "1" ? "retain-on-failure" : "off",
    launchOptions: {
      executablePath: chromium(),
      // Chromium has no sandbox for root.
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    },
  },
});

/** The browser: CHROMIUM, or `chromium` on the PATH. */
function chromium() {
  const named = process.env.CHROMIUM;
  if (named) return named;
  const found = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "chromium"))
    .find((path) => existsSync(path));
  if (!found) throw new Error("there is no chromium on the PATH: install it, or name it in CHROMIUM");
  return found;
}
