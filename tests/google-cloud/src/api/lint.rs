//! IAM's `lintPolicy`, as far as conditions that do not compile, are too complex, or are over.

use serde_json::json;

use crate::answer::Answer;
use crate::conditions::{self, MOST_LOGICAL_OPERATORS};
use crate::errors::ApiError;
use crate::request::Request;
use crate::state::State;

/// Always 200, for anybody and any resource; `{}` when nothing is to be said.
pub fn run(state: &mut State, request: &Request, _: &str) -> Result<Answer, ApiError> {
    let source = request.body["condition"]["expression"]
        .as_str()
        .unwrap_or_default();
    let finding = match conditions::compile(source) {
        Err(reason) => Some(("ERROR", "LintValidationUnits/ConditionCompileCheck", reason)),
        Ok(program) if conditions::logical_operators(&program) > MOST_LOGICAL_OPERATORS => Some((
            "ERROR",
            "LintValidationUnits/ConditionComplexityCheck",
            format!("Logical operators count must not be more than {MOST_LOGICAL_OPERATORS}"),
        )),
        Ok(_) if is_over(source, state.clock.now()) => Some((
            "WARNING",
            "LintValidationUnits/DateTimeCheck",
            "The condition is effectively False. Time expired already.".to_owned(),
        )),
        Ok(_) => None,
    };
    let Some((severity, unit, message)) = finding else {
        return Ok(json!({}).into());
    };
    let result = json!({
        "level": "CONDITION",
        "severity": severity,
        "validationUnitName": unit,
        "fieldName": "condition.expression",
        "debugMessage": message,
    });
    Ok(json!({"lintResults": [result]}).into())
}

/// Whether some `request.time < timestamp("…")` names a time that is past.
fn is_over(source: &str, now: jiff::Timestamp) -> bool {
    source
        .split("request.time <")
        .skip(1)
        .filter_map(|rest| {
            rest.trim_start_matches('=')
                .trim_start()
                .strip_prefix("timestamp(")
        })
        .filter_map(|rest| {
            rest.get(1..)?
                .split(['"', '\''])
                .next()?
                .parse::<jiff::Timestamp>()
                .ok()
        })
        .any(|end| end <= now)
}
