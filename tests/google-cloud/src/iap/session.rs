//! Who is signed in at the proxy: a cookie that names the account. It is a simulation: anybody may be anybody.

use axum::http::{HeaderMap, HeaderValue, header};

/// The cookie's name; Google's has the same beginning.
const COOKIE: &str = "GCP_IAP_AUTH_TOKEN_SIMULATED";

/// The account that the browser says it is signed in as.
pub fn account(headers: &HeaderMap) -> Option<String> {
    cookies(headers)
        .find_map(|(name, value)| (name == COOKIE && !value.is_empty()).then(|| value.to_owned()))
}

/// `Set-Cookie` for this account, or one that removes the cookie; none for an account that no cookie can hold.
pub fn set_cookie(account: Option<&str>) -> Option<HeaderValue> {
    let attributes = "Path=/; HttpOnly; SameSite=Lax";
    let text = match account {
        Some(account) if account.contains([';', ',', '"', '\\', ' ']) => return None,
        Some(account) => format!("{COOKIE}={account}; {attributes}"),
        None => format!("{COOKIE}=; Max-Age=0; {attributes}"),
    };
    HeaderValue::from_str(&text).ok()
}

/// Takes the proxy's own cookie out of what goes to the upstream.
pub fn strip(headers: &mut HeaderMap) {
    let others: Vec<String> = cookies(headers)
        .filter(|(name, _)| *name != COOKIE)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    headers.remove(header::COOKIE);
    if let Ok(value) = HeaderValue::from_str(&others.join("; "))
        && !others.is_empty()
    {
        headers.insert(header::COOKIE, value);
    }
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxys_cookie_is_read_and_taken_out() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            "a=1; GCP_IAP_AUTH_TOKEN_SIMULATED=bob@example.com; b=2=3"
                .parse()
                .unwrap(),
        );
        assert_eq!(account(&headers).as_deref(), Some("bob@example.com"));
        strip(&mut headers);
        assert_eq!(headers[header::COOKIE], "a=1; b=2=3");
        assert_eq!(account(&headers), None);
    }

    #[test]
    fn an_account_that_would_end_the_cookie_gets_none() {
        assert_eq!(set_cookie(Some("a;b@example.com")), None);
        assert_eq!(set_cookie(Some("a\nb@example.com")), None);
        assert!(set_cookie(Some("alice@example.com")).is_some());
    }
}
