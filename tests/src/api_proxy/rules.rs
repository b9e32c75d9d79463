//! Which writes are held or refused.

use axum::http::StatusCode;
use tokio::sync::watch;

use super::Write;

/// When a write is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The API server has not seen it.
    Before,
    /// It took effect, but the controller has no answer.
    After,
}

/// Which writes are meant: all, or those with every part that is named.
#[derive(Debug, Clone, Default)]
pub struct Pattern {
    method: Option<&'static str>,
    path: Vec<String>,
    body: Vec<String>,
}

impl Pattern {
    /// Any write.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Writes of AccessRequests, their status included.
    #[must_use]
    pub fn requests() -> Self {
        Self::any().path("/accessrequests/")
    }

    /// Writes of the status of AccessRequests.
    #[must_use]
    pub fn status() -> Self {
        Self::requests().path("/status")
    }

    /// Only with this method.
    #[must_use]
    pub const fn method(mut self, method: &'static str) -> Self {
        self.method = Some(method);
        self
    }

    /// Only with this in the path or the query.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path.push(part.to_owned());
        self
    }

    /// Only with this in the body, as compact JSON.
    #[must_use]
    pub fn body(mut self, part: &str) -> Self {
        self.body.push(part.to_owned());
        self
    }

    /// Whether a write is meant.
    #[must_use]
    pub fn fits(&self, write: &Write) -> bool {
        self.method.is_none_or(|method| write.method == method)
            && self
                .path
                .iter()
                .all(|part| write.path.contains(part.as_str()))
            && (self.body.is_empty() || {
                let body = write.body.to_string();
                self.body.iter().all(|part| body.contains(part.as_str()))
            })
    }
}

/// Where a write waits.
#[derive(Debug, Clone)]
pub struct Hold {
    pub moment: Moment,
    arrived: watch::Sender<Option<Write>>,
    released: watch::Receiver<()>,
}

impl Hold {
    /// Says that the write is here, and waits until the test lets it go.
    pub async fn wait(&self, write: &Write) {
        self.arrived.send_replace(Some(write.clone()));
        // The sender is dropped, never used.
        let _ = self.released.clone().changed().await;
    }
}

/// What happens to a write.
#[derive(Debug, Clone)]
pub enum Verdict {
    Hold(Hold),
    Refuse(StatusCode),
}

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    skip: usize,
    left: usize,
    verdict: Verdict,
}

/// The rules in force; the first that fits counts.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    pub fn hold(
        &mut self,
        pattern: Pattern,
        skip: usize,
        moment: Moment,
        arrived: watch::Sender<Option<Write>>,
        released: watch::Receiver<()>,
    ) {
        let hold = Hold {
            moment,
            arrived,
            released,
        };
        self.0.push(Rule {
            pattern,
            skip,
            left: 1,
            verdict: Verdict::Hold(hold),
        });
    }

    pub fn refuse(&mut self, pattern: Pattern, count: usize, status: u16) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.0.push(Rule {
            pattern,
            skip: 0,
            left: count,
            verdict: Verdict::Refuse(status),
        });
    }

    /// What happens to this write; uses up the rule's count.
    pub fn judge(&mut self, write: &Write) -> Option<Verdict> {
        let rule = self
            .0
            .iter_mut()
            .find(|rule| rule.left > 0 && rule.pattern.fits(write))?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        rule.left -= 1;
        Some(rule.verdict.clone())
    }
}
