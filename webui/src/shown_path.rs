//! A request's path for the log.

use axum::extract::Request;
use jit_access_core::visible_text::shown_up_to;

/// The longest path of ours is shorter, in characters.
const LONGEST: usize = 200;

/// The path as it can be logged: whoever is refused writes no more than a line of it.
pub(crate) fn shown_path(request: &Request) -> String {
    shown_up_to(request.uri().path(), LONGEST)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn path(uri: &str) -> String {
        let request = axum::http::Request::builder().uri(uri);
        shown_path(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn attack_17_a_long_path_is_cut() {
        assert_eq!(path("/requests/web-1?x=y"), "/requests/web-1");
        let long = path(&format!("/{}", "x".repeat(10_000)));
        assert_eq!(long.chars().count(), 201);
        assert!(long.ends_with("x…"), "{long}");
    }
}
