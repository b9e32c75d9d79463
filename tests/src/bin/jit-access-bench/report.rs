//! The table: each figure with its limit and how they compare, printed as soon as it is measured.

use std::process::ExitCode;
use std::time::Duration;

/// The counts that broke their limit so far.
#[derive(Debug)]
pub struct Report {
    broken: Vec<String>,
}

impl Report {
    /// Prints the head of the table.
    pub fn start() -> Self {
        line("figure", "measured", "limit", "ratio");
        Self { broken: Vec::new() }
    }

    /// Begins a part of the table.
    pub fn heading(&self, text: &str) {
        println!("\n{text}");
    }

    /// A time. However long, it breaks nothing: the machine may be slow or busy.
    pub fn time(&self, name: &str, measured: Duration, limit: Duration) {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
        let (measured, limit) = (milliseconds(measured), milliseconds(limit));
        number(name, measured, limit, "ms");
    }

    /// The 50th and the 99th percentile of times.
    pub fn percentiles(&self, name: &str, times: &[Duration], limit: Duration) {
        for percent in [50, 99] {
            let measured = percentile(times, percent);
            self.time(&format!("{name}, p{percent}"), measured, limit);
        }
    }

    /// A number that is shown beside its limit and breaks nothing.
    pub fn shown(&self, name: &str, measured: f64, limit: f64) {
        number(name, measured, limit, "");
    }

    /// A count that must not be above its limit.
    pub fn at_most(&mut self, name: &str, measured: f64, limit: f64, unit: &str) {
        number(name, measured, limit, unit);
        if measured > limit {
            self.broken
                .push(format!("{name}: {measured:.0} {unit} is above {limit:.0}"));
        }
    }

    /// A count that must not be below what was asked for.
    pub fn at_least(&mut self, name: &str, measured: f64, limit: f64) {
        number(name, measured, limit, "");
        if measured < limit {
            self.broken
                .push(format!("{name}: {measured:.0} is below {limit:.0}"));
        }
    }

    /// Says which counts broke their limits; the status is a failure if one did.
    pub fn finish(self) -> ExitCode {
        println!();
        if self.broken.is_empty() {
            println!("every count is within its limit");
            return ExitCode::SUCCESS;
        }
        for broken in self.broken {
            println!("limit broken: {broken}");
        }
        ExitCode::FAILURE
    }
}

/// The smallest of these times that `percent` of them do not exceed; zero of none.
pub fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn number(name: &str, measured: f64, limit: f64, unit: &str) {
    let text = |value: f64| {
        let whole = value >= 100.0 || value.fract() == 0.0;
        let digits = if whole { 0 } else { 2 };
        format!("{value:.digits$} {unit}").trim_end().to_owned()
    };
    let ratio = if limit == 0.0 {
        "-".to_owned()
    } else {
        format!("{:.2}", measured / limit)
    };
    line(name, &text(measured), &text(limit), &ratio);
}

fn line(name: &str, measured: &str, limit: &str, ratio: &str) {
    println!("{name:<52} {measured:>10} {limit:>10} {ratio:>7}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&times[..1], 99), Duration::from_millis(200));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
