//! `cargo xtask test`: every check and every test, each under a heading, and one count at the end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use crate::{browser, crds, dependencies, tools, workspace};

/// Tests at the same time, each with servers of its own.
const TEST_THREADS: &str = "4";

/// Which cases the property tests make; any number would do.
const PROPERTY_SEED: &str = "20260701";

#[derive(Debug, Args)]
pub struct Arguments {
    /// Only these parts; all when absent.
    #[arg(long, value_enum, num_args = 1.., value_name = "PART")]
    only: Vec<Part>,
    /// Passed to `cargo test` in the part `tests`: for example `-- --package jit-access-core`.
    #[arg(last = true, value_name = "ARGUMENTS")]
    cargo_test: Vec<String>,
}

/// The parts, in their order: what is quick and fails often comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// rustfmt.
    Format,
    /// The schema's YAML is what the types say.
    Crds,
    /// Where crates come from, licences, duplicates, one TLS stack, a core without I/O.
    Dependencies,
    /// clippy, warnings are errors.
    Lint,
    /// Unit tests, and all tests on the real API server and the simulated Google Cloud.
    Tests,
    /// What people see and do in a real browser, on the demo.
    Browser,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut count = Count::default();
    for part in Part::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(part) {
            continue;
        }
        match part {
            Part::Format => {
                count.check("formatting", || {
                    workspace::run_cargo(&["fmt", "--all", "--", "--check"])
                        .context("run `cargo fmt --all`")
                });
            }
            Part::Crds => {
                count.check("the schema is generated from the types", crds::check);
            }
            Part::Dependencies => {
                count.check("dependencies", dependencies::check);
                deny(&mut count);
            }
            Part::Lint => {
                count.check("lints", || {
                    workspace::run_cargo(&[
                        "clippy",
                        "--keep-going",
                        "--locked",
                        "--workspace",
                        "--all-targets",
                        "--",
                        "--deny=warnings",
                    ])
                });
            }
            Part::Tests => tests(&mut count, &arguments.cargo_test),
            Part::Browser => browsers(&mut count),
        }
    }
    Ok(count.finish())
}

/// `cargo deny` where it is installed.
fn deny(count: &mut Count) {
    let installed = workspace::cargo(&["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if installed {
        count.check("cargo deny", || {
            workspace::run_cargo(&["deny", "check", "bans", "licenses", "sources"])
        });
    } else if std::env::var_os("CI").is_some() {
        println!(
            "\ncargo-deny is not installed here: the part `dependencies` stands for it, but for the licences"
        );
    } else {
        count.skip("cargo-deny is not installed (`cargo install --locked cargo-deny`): licences are not checked");
    }
}

fn tests(count: &mut Count, arguments: &[String]) {
    let mut folder = None;
    count.check("the control plane to test on", || {
        folder = Some(tools::folder()?);
        Ok(())
    });
    let Some(control_plane) = folder else { return };
    // With all targets, so that `cargo test` finds the same features built and builds nothing again.
    let built = count.check("build", || {
        workspace::run_cargo(&["build", "--locked", "--workspace", "--all-targets"])
    });
    if !built {
        return;
    }
    heading("tests");
    let mut cargo = workspace::cargo(&["test", "--locked", "--no-fail-fast"]);
    if !arguments
        .iter()
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
    {
        cargo.arg("--workspace");
    }
    cargo.args(arguments);
    cargo.env("JIT_ACCESS_CONTROL_PLANE", control_plane);
    // Of an error that ends a test, the sentence matters; panics keep their backtraces.
    cargo.env("RUST_LIB_BACKTRACE", "0");
    // The same cases in every run, so that a commit is judged by what it changes. `cargo test`, run
    // by hand, tries new ones each time.
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        cargo.env("PROPTEST_RNG_SEED", PROPERTY_SEED);
    }
    // Most tests wait for servers most of the time: as many as processors would leave these idle.
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        cargo.env("RUST_TEST_THREADS", TEST_THREADS);
    }
    let outcome = workspace::programs().and_then(|programs| {
        cargo.env("JIT_ACCESS_PROGRAMS", programs);
        count.read_tests(&mut cargo)
    });
    if let Err(error) = outcome {
        count.fail("cargo test", &error);
    }
}

/// The browser tests, where there is all that they need.
fn browsers(count: &mut Count) {
    match browser::missing() {
        Some(missing) if std::env::var_os("CI").is_none() => {
            return count.skip(&format!("the browser tests need {missing}"));
        }
        Some(missing) => {
            let error = anyhow::anyhow!("a CI machine must have {missing}");
            return count.fail("browser tests", &error);
        }
        None => {}
    }
    let mut playwright = None;
    count.check("the demo and Playwright for the browser tests", || {
        playwright = Some(browser::prepare()?);
        Ok(())
    });
    let Some(mut playwright) = playwright else {
        return;
    };
    heading("browser tests");
    if let Err(error) = count.read_tests(&mut playwright) {
        count.fail("browser tests", &error);
    }
}

fn heading(name: &str) {
    println!("\n=== {name} ===");
}

/// What ran, and how it ended.
#[derive(Debug, Default)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: Vec<String>,
    /// Skipped tests that cargo reports as passed.
    passed_by_skipping: usize,
    failures: Vec<String>,
}

impl Count {
    /// Runs one check, which counts as one test. Whether it passed.
    fn check(&mut self, name: &str, check: impl FnOnce() -> Result<()>) -> bool {
        heading(name);
        let started = Instant::now();
        match check() {
            Ok(()) => {
                self.passed += 1;
                println!("passed: {name} ({:.1} s)", started.elapsed().as_secs_f64());
                true
            }
            Err(error) => {
                self.fail(name, &error);
                false
            }
        }
    }

    fn fail(&mut self, name: &str, error: &anyhow::Error) {
        self.failed += 1;
        self.failures.push(name.to_owned());
        println!("FAILED: {name}: {error:#}");
    }

    fn skip(&mut self, reason: &str) {
        println!("\nskipped: {reason}");
        self.skipped.push(reason.to_owned());
    }

    /// Runs `cargo test`, or what speaks as it does, shows its output while it comes, and counts what its
    /// tests say.
    fn read_tests(&mut self, command: &mut Command) -> Result<()> {
        let name = command.get_program().to_string_lossy().into_owned();
        let failed_before = self.failed;
        let mut running = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{name}` cannot be started"))?;
        let output = running.stdout.take().map(BufReader::new);
        for line in output.into_iter().flat_map(BufRead::lines) {
            let line = line.with_context(|| format!("the output of `{name}` cannot be read"))?;
            println!("{line}");
            self.read_line(&line);
        }
        std::io::stdout().flush().context("standard output")?;
        let status = running
            .wait()
            .with_context(|| format!("`{name}` cannot be waited for"))?;
        ensure!(
            status.success() || self.failed > failed_before,
            "`{name}` ended with {status} though no test failed: one of its programs did not compile, start or end well"
        );
        Ok(())
    }

    /// Counts `test result:` lines, names tests that failed, and notes `skipped:` lines, which a test
    /// prints where something that it needs is missing. Such a test is reported as passed, but is not.
    fn read_line(&mut self, line: &str) {
        if let Some(reason) = line.strip_prefix("skipped: ") {
            self.skipped.push(reason.to_owned());
            self.passed_by_skipping += 1;
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += number_before(result, " passed");
            self.failed += number_before(result, " failed");
            for _ in 0..number_before(result, " ignored") {
                self.skipped.push("a test marked #[ignore]".to_owned());
            }
        } else if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.failures.push(name.to_owned());
        }
    }

    /// Prints what failed and was skipped, and the count as the last line.
    fn finish(&self) -> ExitCode {
        println!();
        for name in &self.failures {
            println!("failed: {name}");
        }
        for reason in &self.skipped {
            println!("skipped: {reason}");
        }
        println!("{}", self.line());
        if self.failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn line(&self) -> String {
        let passed = self.passed.saturating_sub(self.passed_by_skipping);
        let mut line = format!("{passed} passed, {} failed", self.failed);
        if !self.skipped.is_empty() {
            line.push_str(&format!(", {} skipped", self.skipped.len()));
        }
        line
    }
}

/// The number in front of a word: 3 for `… 3 passed; …`; 0 when it is not there.
fn number_before(text: &str, word: &str) -> usize {
    text.find(word)
        .and_then(|end| text[..end].rsplit(' ').next()?.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_test_programs_are_summed() {
        let mut count = Count::default();
        for line in [
            "test a::b ... ok",
            "test a::c ... FAILED",
            "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "test result: ok. 30 passed; 0 failed; 0 ignored; 0 measured; 5 filtered out; finished in 1.10s",
        ] {
            count.read_line(line);
        }
        assert_eq!(count.line(), "42 passed, 1 failed, 2 skipped");
        assert_eq!(count.failures, ["a::c"]);
    }

    #[test]
    fn a_test_that_says_it_was_skipped_did_not_pass() {
        let mut count = Count::default();
        count.read_line("skipped: no python3 here: install it");
        count.read_line(
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        assert_eq!(count.line(), "1 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn the_line_names_skips_only_where_there_are_any() {
        let mut count = Count::default();
        assert!(count.check("fine", || Ok(())));
        assert!(!count.check("not fine", || anyhow::bail!("because")));
        assert_eq!(count.line(), "1 passed, 1 failed");
    }
}
