//! IAM conditions: checked as `setIamPolicy` and the linter do, and evaluated as an access check does.

pub mod bounds;
mod tree;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cel::extractors::This;
use cel::{Context, Env, ExecutionError, Program, Value};
use jiff::Timestamp;

/// Logical operators that one condition may have.
pub const MOST_LOGICAL_OPERATORS: usize = 12;

/// Distinct expressions whose parse is kept.
const CACHE: usize = 20_000;

/// An expression that can be evaluated, or what is wrong with it.
type Compiled = Result<Arc<Program>, String>;

/// What an access check is about: the attributes that a condition can ask for.
#[derive(Debug, Clone)]
pub struct Attributes {
    /// `request.time`.
    pub time: Timestamp,
    /// `resource.name`.
    pub name: String,
    /// `resource.type`.
    pub kind: String,
    /// `resource.service`.
    pub service: String,
}

/// Parses an expression and checks it as Google's compiler would.
///
/// # Errors
/// What is wrong with it, without the sentence around that.
pub fn compile(source: &str) -> Compiled {
    static PARSED: OnceLock<Mutex<HashMap<String, Compiled>>> = OnceLock::new();
    let parsed = PARSED.get_or_init(Mutex::default);
    let mut parsed = parsed.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = parsed.get(source) {
        return known.clone();
    }
    let result = parse(source);
    if parsed.len() >= CACHE {
        parsed.clear();
    }
    parsed.insert(source.to_owned(), result.clone());
    result
}

fn parse(source: &str) -> Compiled {
    bounds::check(source)?;
    let program = Program::compile(source).map_err(|errors| {
        errors.errors.first().map_or_else(
            || "the expression cannot be parsed".to_owned(),
            |error| {
                format!(
                    "ERROR: <input>:{}:{}: {}",
                    error.pos.0, error.pos.1, error.msg
                )
            },
        )
    })?;
    let findings = tree::inspect(program.expression());
    if let Some(name) = findings.undeclared {
        return Err(format!("ERROR: <input>: undeclared reference to '{name}'"));
    }
    if !tree::may_be_bool(program.expression()) {
        return Err("ERROR: <input>: the expression must evaluate to bool".to_owned());
    }
    Ok(Arc::new(program))
}

/// How many of `&&`, `||` and `!` an expression has.
pub fn logical_operators(program: &Program) -> usize {
    tree::inspect(program.expression()).logical_operators
}

/// Whether the condition holds. What cannot be parsed or evaluated grants nothing, as in IAM.
pub fn holds(source: &str, attributes: &Attributes) -> bool {
    let Ok(program) = compile(source) else {
        return false;
    };
    let Some(context) = context(attributes) else {
        return false;
    };
    matches!(program.execute(&context), Ok(Value::Bool(true)))
}

fn context(attributes: &Attributes) -> Option<Context<'static, 'static>> {
    static ENV: OnceLock<Arc<Env>> = OnceLock::new();
    let mut context = Context::with_env(Arc::clone(ENV.get_or_init(|| Arc::new(Env::stdlib()))));
    // The library's own conversion makes the value, so that this crate needs no second library for time.
    let time = instant(&format!("{:.3}", attributes.time)).ok()?;
    let text = |text: &str| Value::from(text);
    context.add_variable_from_value("request", HashMap::from([("time", time)]));
    context.add_variable_from_value(
        "resource",
        HashMap::from([
            ("name", text(&attributes.name)),
            ("type", text(&attributes.kind)),
            ("service", text(&attributes.service)),
        ]),
    );
    context.add_function("date", date).ok()?;
    context.add_function("extract", extract).ok()?;
    Some(context)
}

/// `timestamp(text)`.
fn instant(text: &str) -> Result<Value, ExecutionError> {
    let failed = |message: &str| ExecutionError::function_error("timestamp", message);
    if !text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-:.+".contains(c))
    {
        return Err(failed("not a timestamp"));
    }
    let program = Program::compile(&format!("timestamp(\"{text}\")"))
        .map_err(|_| failed("not a timestamp"))?;
    program.execute(&Context::default())
}

/// IAM's `date("2023-02-01")`: that day's first moment in UTC.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the library hands over owned arguments"
)]
fn date(day: Arc<String>) -> Result<Value, ExecutionError> {
    instant(&format!("{day}T00:00:00Z"))
}

/// IAM's `resource.name.extract("prefix/{part}/suffix")`: the text between, empty when the template does not match.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the library hands over owned arguments"
)]
fn extract(This(text): This<Arc<String>>, template: Arc<String>) -> String {
    let between = || {
        let (prefix, rest) = template.split_once('{')?;
        let (_, suffix) = rest.split_once('}')?;
        let from = text.find(prefix)? + prefix.len();
        let tail = &text[from..];
        if suffix.is_empty() {
            Some(tail)
        } else {
            tail.find(suffix).map(|end| &tail[..end])
        }
    };
    between().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Attributes {
        Attributes {
            time: time.parse().unwrap(),
            name: "projects/web-prod/zones/europe-west1-b/instances/web-1".to_owned(),
            kind: "compute.googleapis.com/Instance".to_owned(),
            service: "compute.googleapis.com".to_owned(),
        }
    }

    #[test]
    fn a_window_is_open_from_its_start_to_before_its_end() {
        let window = r#"request.time >= timestamp("2026-11-23T20:00:00Z") && request.time < timestamp("2026-11-23T20:30:00Z")"#;
        assert!(!holds(window, &at("2026-11-23T19:59:59.999Z")));
        assert!(holds(window, &at("2026-11-23T20:00:00Z")));
        assert!(!holds(window, &at("2026-11-23T20:30:00Z")));
    }

    #[test]
    fn attributes_and_functions_of_iam() {
        let now = at("2026-11-23T20:00:00Z");
        for (expression, expected) in [
            (
                r#"resource.name.startsWith("projects/web-prod/zones/europe-west1-b")"#,
                true,
            ),
            (
                r#"resource.type == "compute.googleapis.com/Instance" && resource.service == "compute.googleapis.com""#,
                true,
            ),
            ("has({}.jitAccessConstraint)", false),
            ("!has({}.jitAccessConstraint)", true),
            (r#"request.time > date("2026-11-23")"#, true),
            (
                r#"request.time < date("2026-11-23") + duration("3600s")"#,
                false,
            ),
            (r#"request.time.getHours("Europe/Berlin") == 21"#, true),
            (
                r#"resource.name.extract("zones/{zone}/instances") == "europe-west1-b""#,
                true,
            ),
            (r#"resource.name.extract("regions/{region}/") == """#, true),
            (r#"request.time < timestamp("2026-13-45T00:00:00Z")"#, false),
            (r#"resource.matchTag("1/env", "prod")"#, false),
            (r#"resource.matchTag("1/env", "prod") || true"#, true),
            (
                r#"api.getAttribute("iam.googleapis.com/modifiedGrantsByRole", []).hasOnly(["roles/a"])"#,
                false,
            ),
        ] {
            assert_eq!(holds(expression, &now), expected, "{expression}");
            assert!(compile(expression).is_ok(), "{expression}");
        }
    }

    #[test]
    fn what_google_does_not_compile_is_refused() {
        for bad in [
            "",
            "request.time <",
            "foo.bar == 1",
            "HAS({}.x)",
            "\"text\"",
            "1 + 1",
            "[true]",
            "a ? b",
            "request.time < now()",
            "true // c",
            "(true",
        ] {
            let refused = compile(bad).is_err();
            assert_eq!(refused, bad != "true // c", "{bad}");
        }
        assert!(
            compile("foo == 1")
                .unwrap_err()
                .contains("undeclared reference to 'foo'")
        );
        assert!(compile("[1, 2].exists(x, x == 1)").is_ok());
    }

    #[test]
    fn logical_operators_are_counted_in_the_tree() {
        let count = |source: &str| logical_operators(&compile(source).unwrap());
        assert_eq!(count("true && (false || !true) && '&& ||' == ''"), 4);
        assert_eq!(count("true // && true"), 0);
    }

    #[test]
    fn the_deepest_text_within_bounds_does_not_end_the_process() {
        let deep = |open: &str, core: &str, close: &str, times: usize| {
            format!("{}{core}{}", open.repeat(times), close.repeat(times))
        };
        let shapes = [
            deep("(", "true", ")", 20),
            deep("[", "1", "]", 20),
            deep("size(", "'a'", ")", 20),
            format!("resource{}", ".b".repeat(499)),
            format!("resource{}", "[0]".repeat(499)),
            format!("1{} == 1", "+1".repeat(498)),
            format!("{}true", "!".repeat(499)),
            format!("{}1 == 1", "- ".repeat(498)),
            format!("true{}", " && true".repeat(499)),
            format!("true{}", " ? true : true".repeat(249)),
            format!("1{}", " in [1]".repeat(249)),
        ];
        for shape in shapes {
            assert!(bounds::check(&shape).is_ok(), "{shape}");
            let worker = std::thread::Builder::new()
                .stack_size(2 << 20)
                .spawn(move || holds(&shape, &at("2026-01-01T00:00:00Z")));
            worker.unwrap().join().unwrap();
        }
    }
}
