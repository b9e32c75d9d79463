//! `kubectl jit verify-manifests`: for the CI of a Git repository from which an agent applies
//! AccessRequests. It needs no cluster; what it lets pass, admission policy and controller judge
//! again.

mod decisions;
mod documents;
mod object;

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::arguments::VerifyCommand;
use crate::{print, text};

/// Something that must not be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    file: String,
    /// `NAMESPACE/NAME`, or `NAME`; none where it is not known.
    object: Option<String>,
    message: String,
}

/// What was found in all files.
#[derive(Debug, Default)]
struct Report {
    verified: usize,
    faults: Vec<Fault>,
    /// In which file each object stands.
    places: HashMap<String, String>,
}

/// Checks all files; exit status 1 if one has a fault.
pub fn run(command: &VerifyCommand, json: bool) -> Result<ExitCode> {
    let mut report = Report::default();
    for file in &command.files {
        report.read(file);
    }
    if json {
        let faults: Vec<_> = report
            .faults
            .iter()
            .map(|fault| json!({"file": fault.file, "object": fault.object, "message": fault.message}))
            .collect();
        print::pretty(&json!({"verified": report.verified, "faults": faults}))?;
    } else {
        for fault in &report.faults {
            let object = fault
                .object
                .as_ref()
                .map_or_else(String::new, |name| format!(": {name}"));
            let line = format!("{}{object}: {}", fault.file, fault.message);
            print::output(&text::wrap(&line, text::WIDTH).join("\n"))?;
        }
        print::note(&format!(
            "{} checked, {} found",
            counted(report.verified, "AccessRequest"),
            counted(report.faults.len(), "fault")
        ));
    }
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
    fn read(&mut self, path: &Path) {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => self.check(&file, &text),
            Err(why) => self.fault(
                &file,
                None,
                format!("cannot be read ({why}): name files, not folders"),
            ),
        }
    }

    fn check(&mut self, file: &str, text: &str) {
        let documents = match documents::requests(text) {
            Ok(documents) => documents,
            Err(why) => return self.fault(file, None, why),
        };
        for document in documents {
            self.verified += 1;
            let (name, faults) = object::faults(&document);
            for message in faults {
                self.fault(file, name.clone(), message);
            }
            let Some(name) = name else { continue };
            if let Some(earlier) = self.places.insert(name.clone(), file.to_owned()) {
                let message =
                    format!("stands in {earlier} too: one of the two would overwrite the other");
                self.fault(file, Some(name), message);
            }
        }
    }

    fn fault(&mut self, file: &str, object: Option<String>, message: String) {
        self.faults.push(Fault {
            file: file.to_owned(),
            object,
            message,
        });
    }
}

#[cfg(test)]
mod tests;
