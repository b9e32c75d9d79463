// Says what came of each test as `cargo test` does, for the one count of `cargo xtask test`.
import { relative } from "node:path";

const HERE = import.meta.dirname ?? new URL(".", import.meta.url).pathname;

export default class Reporter {
  passed = 0;
  failed = 0;
  broken = false;

  printsToStdio() {
    return true;
  }

  onBegin(_config, suite) {
    console.log(`running ${suite.allTests().length} browser tests`);
  }

  onTestEnd(test, result) {
    const file = relative(HERE, test.location.file);
    const name = `${file}: ${test.titlePath().slice(3).join(": ")}`;
    if (result.status === "skipped") {
      // As a test of cargo's that was skipped: reported as passed, and said not to be.
      const reason = test.annotations.find((annotation) => annotation.type === "skip")?.description;
      this.passed += 1;
      console.log(`skipped: ${name}${reason ? `: ${reason}` : ""}`);
    } else if (test.ok()) {
      this.passed += 1;
      console.log(`test ${name} ... ok`);
    } else {
      this.failed += 1;
      for (const error of result.errors) console.log(indented(error));
      for (const { name: kind, path } of result.attachments) {
        if (path) console.log(`    ${kind}: ${path}`);
      }
      console.log(`test ${name} ... FAILED`);
    }
  }

  /** What is no test's: a spec that cannot be read, a demo that does not start. */
  onError(error) {
    this.broken = true;
    console.log(indented(error));
  }

  onStdOut(chunk) {
    process.stdout.write(chunk);
  }

  onStdErr(chunk) {
    process.stderr.write(chunk);
  }

  onEnd(result) {
    const word = result.status === "passed" && !this.broken ? "ok" : "FAILED";
    console.log(`\ntest result: ${word}. ${this.passed} passed; ${this.failed} failed; 0 ignored`);
  }
}

/** Indented, so that no line of a message is taken for a count; with the places in specs. */
function indented(error) {
  const places = (error.stack ?? "").split("\n").filter((line) => /^\s+at .*\.spec\.js/.test(line));
  return [error.message ?? error.value, error.snippet, ...places]
    .filter(Boolean)
    .join("\n")
    .replace(/\u001b\[[0-9;]*m/g, "")
    .replace(/^/gm, "    ");
}
