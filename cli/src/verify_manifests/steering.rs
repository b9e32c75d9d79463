//! Annotations and labels by which a manifest tells Flux or Argo CD to apply it otherwise: to delete
//! and create again what was denied or revoked, or to drop what people decided by kubectl.

use jit_access_crds::AccessRequest;
use kube::ResourceExt;

use super::Problem;

const FLUX: &str = "kustomize.toolkit.fluxcd.io/";
const ARGO_OPTIONS: &str = "argocd.argoproj.io/sync-options";
/// Argo CD runs what has one of these as a hook: deletes it and creates it again at every sync.
const HOOKS: [&str; 2] = ["argocd.argoproj.io/hook", "helm.sh/hook"];

/// What steers an agent where it must not go.
pub fn problems(request: &AccessRequest) -> Vec<Problem> {
    let labels = request.labels().iter().map(|one| ("labels", one));
    let annotations = request.annotations().iter();
    let annotations = annotations.map(|one| ("annotations", one));
    labels
        .chain(annotations)
        .filter_map(|(place, (key, value))| {
            let why = steers(key, value)?;
            Some(Problem::new(format!("metadata.{place}[{key}]"), why))
        })
        .collect()
}

fn steers(key: &str, value: &str) -> Option<&'static str> {
    if let Some(option) = key.strip_prefix(FLUX) {
        return match option {
            "force" if !value.eq_ignore_ascii_case("disabled") => Some(
                "lets Flux delete the request and create it again: leave it out, a changed request needs a new name",
            ),
            "ssa" if !value.eq_ignore_ascii_case("merge") => {
                Some("must be Merge, so that Flux keeps what people decide by kubectl")
            }
            _ => None,
        };
    }
    if key == ARGO_OPTIONS {
        let replaces = |option: &str| {
            let option = option.trim();
            option.eq_ignore_ascii_case("replace=true") || option.eq_ignore_ascii_case("force=true")
        };
        return value.split(',').any(replaces).then_some(
            "lets Argo CD replace the request, or delete it and create it again: leave Replace and Force out",
        );
    }
    HOOKS
        .iter()
        .any(|hook| key == *hook || key.starts_with(&format!("{hook}-")))
        .then_some("makes the request a hook, which is deleted and created again at every sync: leave it out")
}
