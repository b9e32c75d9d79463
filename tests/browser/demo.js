// The demo that the tests look at: started before all of them, ended after, by its own id.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START = 180_000;

/** Puts the addresses into JIT_ACCESS_DEMO, as JSON. Where they are there already, that demo is taken. */
export default async function setUp() {
  if (process.env.JIT_ACCESS_DEMO) return undefined;
  const programs = process.env.JIT_ACCESS_PROGRAMS;
  if (!programs || !process.env.JIT_ACCESS_CONTROL_PLANE) {
    throw new Error("run `cargo xtask test --only browser`, which builds what the browser tests need");
  }
  // Where the test bench sweeps what killed processes left, which it knows by their id.
  const folder = join(programs, "test-bench", `${process.pid}-browser`);
  mkdirSync(folder, { recursive: true });
  const ready = join(folder, "ready.json");
  const log = join(folder, "demo.log");
  // On a leash: the demo ends with the pipe, and so with us, however we end.
  const demo = spawn(
    join(programs, "leash"),
    [log, join(programs, "jit-access-demo"), `--ready-file=${ready}`],
    // A group of its own: Ctrl-C on a terminal reaches us alone, and we end it.
    { stdio: ["pipe", "ignore", "inherit"], detached: true },
  );
  const ended = once(demo, "exit");
  const stop = async () => {
    demo.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(() => existsSync(ready), demo);
  } catch (error) {
    const printed = existsSync(log) ? readFileSync(log, "utf8") : "";
    await stop();
    throw new Error(`the demo did not start: ${error.message}\n${printed}`);
  }
  process.env.JIT_ACCESS_DEMO = readFileSync(ready, "utf8");
  return stop;
}

async function until(isDone, demo) {
  const started = Date.now();
  while (!isDone()) {
    if (demo.exitCode !== null) throw new Error(`it ended with status ${demo.exitCode}`);
    if (Date.now() - started > START) throw new Error(`it is not ready after ${START / 1000} s`);
    await sleep(100);
  }
}
