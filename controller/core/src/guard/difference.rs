//! Compares what stands in the cluster with what the controller was built with.

use serde_json::Value;

/// The first place where two values differ, and how; `None` where they are equal. Whatever one of
/// them has and the other has not is a difference: a field that is not known here may narrow the
/// policy.
#[must_use]
pub fn difference(path: &str, wanted: &Value, found: &Value) -> Option<String> {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => wanted
            .iter()
            .find_map(|(key, value)| {
                let path = format!("{path}.{key}");
                match found.get(key) {
                    Some(found) => difference(&path, value, found),
                    None => Some(format!("{path} is missing")),
                }
            })
            .or_else(|| {
                let unknown = found.keys().find(|key| !wanted.contains_key(*key))?;
                Some(format!("{path}.{unknown} was added"))
            }),
        (Value::Array(wanted), Value::Array(found)) => {
            let pairs = wanted.iter().zip(found).enumerate();
            pairs
                .filter_map(|(index, (wanted, found))| {
                    difference(&format!("{path}[{index}]"), wanted, found)
                })
                .next()
                .or_else(|| {
                    (wanted.len() != found.len()).then(|| {
                        format!(
                            "{path} has {} entries instead of {}",
                            found.len(),
                            wanted.len()
                        )
                    })
                })
        }
        (wanted, found) if wanted == found => None,
        _ => Some(format!("{path} differs")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let wanted = json!({"a": [{"b": 1}, {"b": 2}], "c": "x"});
        let found = |found: Value| difference("spec", &wanted, &found);
        assert_eq!(found(wanted.clone()), None);
        for (other, said) in [
            (
                json!({"a": [{"b": 1}, {"b": 2}], "c": "y"}),
                "spec.c differs",
            ),
            (json!({"a": [{"b": 1}, {"b": 2}]}), "spec.c is missing"),
            (
                json!({"a": [{"b": 1}, {"b": 2}], "c": "x", "d": null}),
                "spec.d was added",
            ),
            (
                json!({"a": [{"b": 1}, {"b": 3}], "c": "x"}),
                "spec.a[1].b differs",
            ),
            (
                json!({"a": [{"b": 1}], "c": "x"}),
                "spec.a has 1 entries instead of 2",
            ),
            (
                json!({"a": [{"b": 1}, {"b": 2}, 3], "c": "x"}),
                "spec.a has 3 entries instead of 2",
            ),
            (json!({"a": {"0": 1}, "c": "x"}), "spec.a differs"),
            (json!([]), "spec differs"),
        ] {
            assert_eq!(found(other).as_deref(), Some(said));
        }
    }
}
