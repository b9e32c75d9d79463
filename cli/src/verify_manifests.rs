//! `kubectl jit verify-manifests`: for the CI of a Git repository from which an agent applies
//! AccessRequests. It needs no cluster; what it lets pass, admission policy and controller judge
//! again.

mod annotations;
mod decisions;
mod documents;
mod files;
mod object;
mod steering;

use std::collections::{BTreeSet, HashMap};
use std::process::ExitCode;

use anyhow::Result;
use jit_access_crds::{AccessRequest, CREATED_BY_ANNOTATION};
use serde_json::json;

use crate::arguments::VerifyCommand;
use crate::{print, text};

/// What every manifest must agree with.
#[derive(Debug, Clone, Default)]
struct Expected {
    /// The service account that applies them; `None`: the one that each names.
    agent: Option<String>,
    /// The namespace that they are applied to; `None`: any.
    namespace: Option<String>,
}

/// A rule that is broken: where in the object, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    /// Such as `spec.reviewers`; empty where it is about the object as a whole.
    field: String,
    message: String,
}

impl Problem {
    fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }

    /// About an annotation.
    fn annotation(key: &str, message: impl Into<String>) -> Self {
        Self::new(format!("metadata.annotations[{key}]"), message)
    }
}

/// Something that must not be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    file: String,
    /// Such as `document 2`; empty where it is about the file as a whole.
    document: String,
    /// `NAMESPACE/NAME`, or `NAME`; empty where it is not known.
    object: String,
    problem: Problem,
}

impl Fault {
    fn line(&self) -> String {
        let place = [&self.document, &self.object].map(String::as_str);
        let place = place
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ");
        let parts = [
            &self.file,
            &place,
            &self.problem.field,
            &self.problem.message,
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join(": ")
    }
}

/// An object that is none of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ignored {
    file: String,
    document: String,
    /// Such as `ConfigMap settings`.
    what: String,
}

/// What was found in all files.
#[derive(Debug, Default)]
struct Report {
    expected: Expected,
    verified: usize,
    ignored: Vec<Ignored>,
    faults: Vec<Fault>,
    /// In which file each object stands.
    places: HashMap<String, String>,
    /// The namespaces of requests, as far as the manifests show them.
    namespaces: BTreeSet<String>,
    agents: Vec<Agent>,
}

/// The program that a manifest says will apply it.
#[derive(Debug)]
struct Agent {
    file: String,
    document: String,
    object: String,
    user: String,
}

/// Checks all files; exit status 1 if one has a fault.
pub fn run(command: &VerifyCommand, namespace: Option<&str>, json: bool) -> Result<ExitCode> {
    let mut report = Report {
        expected: Expected {
            agent: command.agent.clone(),
            namespace: namespace.map(str::to_owned),
        },
        ..Report::default()
    };
    for path in &command.files {
        for (file, text) in files::read(path) {
            match text {
                Ok(text) => report.check(&file, &text),
                Err(why) => report.of_file(&file, why),
            }
        }
    }
    report.agents_among_requests();
    report.print(json)?;
    Ok(if report.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn counted(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

impl Report {
    fn check(&mut self, file: &str, text: &str) {
        let documents = match documents::read(text) {
            Ok(documents) => documents,
            Err(why) => return self.of_file(file, why),
        };
        for document in documents {
            match document.content {
                documents::Content::Request(value) => self.request(file, &document.place, &value),
                documents::Content::Other(what) => self.ignored.push(Ignored {
                    file: file.to_owned(),
                    document: document.place,
                    what,
                }),
                documents::Content::Bad(why) => {
                    self.fault(file, document.place, String::new(), Problem::new("", why));
                }
            }
        }
    }

    fn request(&mut self, file: &str, place: &str, value: &serde_json::Value) {
        self.verified += 1;
        let (name, problems) = object::problems(value, &self.expected);
        for problem in problems {
            self.fault(file, place.to_owned(), name.clone(), problem);
        }
        let metadata = &value["metadata"];
        let namespace = metadata["namespace"].as_str();
        let namespace = namespace.or(self.expected.namespace.as_deref());
        self.namespaces.extend(namespace.map(str::to_owned));
        if let Some(user) = metadata["annotations"][CREATED_BY_ANNOTATION].as_str() {
            self.agents.push(Agent {
                file: file.to_owned(),
                document: place.to_owned(),
                object: name.clone(),
                user: user.to_owned(),
            });
        }
        if name.is_empty() {
            return;
        }
        if let Some(earlier) = self.places.insert(name.clone(), file.to_owned()) {
            let message =
                format!("stands in {earlier} too: one of the two would overwrite the other");
            let problem = Problem::new("metadata.name", message);
            self.fault(file, place.to_owned(), name, problem);
        }
    }

    /// After all files: an agent for one namespace must not live in another one of requests either.
    fn agents_among_requests(&mut self) {
        for agent in std::mem::take(&mut self.agents) {
            if let Some(problem) = annotations::among_requests(&agent.user, &self.namespaces) {
                self.fault(&agent.file, agent.document, agent.object, problem);
            }
        }
    }

    fn of_file(&mut self, file: &str, why: String) {
        self.fault(file, String::new(), String::new(), Problem::new("", why));
    }

    fn fault(&mut self, file: &str, document: String, object: String, problem: Problem) {
        self.faults.push(Fault {
            file: file.to_owned(),
            document,
            object,
            problem,
        });
    }

    fn print(&self, json: bool) -> Result<()> {
        if json {
            let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let faults = self.faults.iter().map(|fault| {
                json!({
                    "file": fault.file,
                    "document": known(&fault.document),
                    "object": known(&fault.object),
                    "field": known(&fault.problem.field),
                    "message": fault.problem.message,
                })
            });
            let ignored = self.ignored.iter().map(|ignored| {
                json!({
                    "file": ignored.file,
                    "document": ignored.document,
                    "object": ignored.what,
                })
            });
            return print::pretty(&json!({
                "verified": self.verified,
                "ignored": ignored.collect::<Vec<_>>(),
                "faults": faults.collect::<Vec<_>>(),
            }));
        }
        for fault in &self.faults {
            print::output(&text::wrap(&fault.line(), text::WIDTH).join("\n"))?;
        }
        for Ignored {
            file,
            document,
            what,
        } in &self.ignored
        {
            let line =
                format!("{file}: {document}: {what} is no AccessRequest and was not checked");
            print::note(&text::wrap(&line, text::WIDTH).join("\n"));
        }
        print::note(&format!(
            "{} checked, {} found",
            counted(self.verified, "AccessRequest"),
            counted(self.faults.len(), "fault")
        ));
        Ok(())
    }
}

/// Whether anybody decided anything in a manifest.
fn has_decisions(request: &AccessRequest) -> bool {
    let annotations = request.metadata.annotations.iter().flatten();
    annotations
        .into_iter()
        .any(|(key, _)| annotations::decision_kind(key).is_some())
}

#[cfg(test)]
mod tests;
