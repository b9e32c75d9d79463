//! The files to check: one, all of a folder, or standard input.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::text::is_hidden;

/// What agents read as manifests.
const MANIFESTS: [&str; 3] = ["yaml", "yml", "json"];
/// What no agent reads: beside these and manifests nothing may stand in a folder, for an agent could
/// make objects of it that nobody checked (a `Kustomization` without extension, jsonnet, a chart).
const NOTES: [&str; 2] = ["md", "txt"];

/// Each file's name and text, or a sentence that says why it is not to be had.
pub fn read(path: &Path) -> Vec<(String, Result<String, String>)> {
    let name = path.display().to_string();
    if name == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        let text = match read {
            Ok(_) => plain(text),
            Err(why) => Err(format!("cannot be read ({why})")),
        };
        return vec![("standard input".to_owned(), text)];
    }
    if path.is_dir() {
        let mut found = Vec::new();
        folder(path, &mut found);
        found.sort_by(|one, other| one.0.cmp(&other.0));
        return found;
    }
    vec![(name, file(path))]
}

fn folder(path: &Path, found: &mut Vec<(String, Result<String, String>)>) {
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = match entries {
        Ok(entries) => entries,
        Err(why) => {
            found.push((
                path.display().to_string(),
                Err(format!("cannot be read ({why})")),
            ));
            return;
        }
    };
    for entry in entries {
        let path = entry.path();
        let name = path.display().to_string();
        let extension = path.extension().and_then(|one| one.to_str()).unwrap_or("");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => folder(&path, found),
            Ok(kind) if kind.is_file() && MANIFESTS.contains(&extension) => {
                found.push((name, file(&path)));
            }
            Ok(kind) if kind.is_file() && NOTES.contains(&extension) => {}
            Ok(kind) if kind.is_file() => found.push((
                name,
                Err("is neither .yaml, .yml nor .json: an agent might make objects of it that nobody checks; keep it elsewhere".to_owned()),
            )),
            Ok(_) => found.push((
                name,
                Err("is no plain file: what it leads to is not checked".to_owned()),
            )),
            Err(why) => found.push((name, Err(format!("cannot be read ({why})")))),
        }
    }
}

fn file(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|why| format!("cannot be read ({why})"))?;
    plain(text)
}

/// A reviewer reads the text as it is shown; and agents, which read an older YAML, end a line, and
/// so a comment, at characters that are none here.
pub fn plain(text: String) -> Result<String, String> {
    let hidden = |line: &str| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.chars()
            .find(|character| *character != '\t' && is_hidden(*character))
    };
    let found = text
        .split('\n')
        .zip(1..)
        .find_map(|(line, number)| Some((number, hidden(line)?)));
    match found {
        Some((number, character)) => Err(format!(
            "line {number} has the character U+{:04X}, which is not seen or changes how the text is shown: leave it out",
            u32::from(character)
        )),
        None => Ok(text),
    }
}
