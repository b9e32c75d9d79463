//! What an assertion says: of which person, device, audience and time.

use super::*;

#[tokio::test]
async fn a_genuine_assertion_says_who_is_signed_in() {
    let iap = iap().await;
    let device = json!({"google": {"device_id": "d-1", "access_levels": ["accessPolicies/1/accessLevels/corp", "b"]}});
    let signed_in = iap.says(&device).await.unwrap();
    assert_eq!(
        signed_in,
        SignedIn {
            email: "alice@example.com".into(),
            device_id: Some("d-1".into()),
            access_levels: vec!["accessPolicies/1/accessLevels/corp".into(), "b".into()],
            expires: at(600),
        }
    );
    let line = signed_in.access_levels_line().unwrap();
    assert_eq!(line, "accessPolicies/1/accessLevels/corp, b");
    let without = iap.says(&json!({})).await.unwrap();
    assert_eq!(without.device_id, None);
    assert_eq!(without.access_levels_line(), None);
}

#[tokio::test]
async fn attack_8_a_wrong_or_missing_claim_is_refused() {
    let iap = iap().await;
    let second = now().as_second();
    for (changes, status) in [
        (json!({"iss": null}), 401),
        (json!({"iss": "https://accounts.google.com"}), 401),
        (json!({"iss": "https://cloud.google.com/iap/"}), 401),
        (json!({"iss": ["https://cloud.google.com/iap"]}), 401),
        (json!({"aud": null}), 401),
        (json!({"aud": ""}), 401),
        (
            json!({"aud": "/projects/123/global/backendServices/457"}),
            401,
        ),
        (json!({"aud": [AUDIENCE]}), 401),
        (json!({"aud": [AUDIENCE, "/projects/9/apps/x"]}), 401),
        (json!({"sub": null}), 401),
        (json!({"sub": ""}), 401),
        (json!({"sub": 7}), 401),
        (json!({"sub": "1234567890"}), 403),
        (json!({"sub": "accounts.google.com:"}), 403),
        (json!({"sub": "accounts.google.com.evil:1"}), 403),
        (
            json!({"sub": "securetoken.google.com/my-project/tenant:uid"}),
            403,
        ),
        (json!({"sub": "sts.google.com:principal"}), 403),
        (json!({"gcip": {"auth_time": 1}}), 403),
        (json!({"email": null}), 401),
        (json!({"email": ""}), 401),
        (json!({"email": ["alice@example.com"]}), 401),
        (json!({"exp": null}), 401),
        (json!({"exp": "never"}), 401),
        (json!({"exp": i64::MAX}), 401),
        (json!({"exp": -1}), 401),
        (json!({"exp": 1e300}), 401),
        (json!({"iat": null}), 401),
        (json!({"iat": "now"}), 401),
        (json!({"iat": i64::MIN}), 401),
        (json!({"exp": second + 661}), 401),
        (json!({"iat": second - 61}), 401),
    ] {
        let refused = iap.says(&changes).await.unwrap_err();
        assert_eq!(refused.status(), status, "{changes}: {refused:?}");
    }
    assert!(iap.says(&json!({"exp": second + 660})).await.is_ok());
}

#[tokio::test]
async fn a_wrong_audience_or_issuer_is_logged_beside_the_right_one() {
    let iap = iap().await;
    let other = "/projects/123/global/backendServices/457";
    for (changes, there, expected) in [
        (
            json!({"aud": other}),
            "\"/projects/123/global/backendServices/457\"",
            AUDIENCE,
        ),
        (
            json!({"aud": "a\n\u{202e}b"}),
            "\"a\\n\\u{202e}b\"",
            AUDIENCE,
        ),
        (json!({"aud": "x".repeat(4000)}), "xxx…\"", AUDIENCE),
        (
            json!({"iss": "https://accounts.google.com"}),
            "\"https://accounts.google.com\"",
            "https://cloud.google.com/iap",
        ),
    ] {
        let refused = iap.says(&changes).await.unwrap_err();
        let detail = refused.detail();
        assert!(detail.contains(there), "{detail}");
        assert!(detail.contains(&format!("\"{expected}\"")), "{detail}");
        assert!(detail.len() < 400, "{detail}");
        // What this installation expects is not told to whoever tries.
        assert!(!refused.sentence().contains(expected), "{refused:?}");
    }
}

#[tokio::test]
async fn attack_22_an_expired_or_future_assertion_is_refused() {
    let iap = iap().await;
    let assertion = iap.signer.sign(&claims_at(now()));
    for (seconds, accepted) in [
        (-31, false),
        (-30, true),
        (0, true),
        (600, true),
        (629, true),
        (630, false),
        (86_400, false),
    ] {
        let result = iap.assertions.verify(&assertion, at(seconds)).await;
        assert_eq!(result.is_ok(), accepted, "{seconds}: {result:?}");
        if let Err(refused) = result {
            assert_eq!(refused.status(), 401);
        }
    }
}

#[tokio::test]
async fn attack_7_one_mailbox_is_one_person_and_a_person() {
    let iap = iap().await;
    for (email, read) in [
        ("Alice@Example.COM", "alice@example.com"),
        ("accounts.google.com:alice@example.com", "alice@example.com"),
        ("o'brien+x@example.com", "o'brien+x@example.com"),
    ] {
        let signed_in = iap.says(&json!({"email": email})).await.unwrap();
        assert_eq!(signed_in.email, read);
    }
    for email in [
        "robot@web-prod.iam.gserviceaccount.com",
        "ROBOT@WEB-PROD.IAM.GSERVICEACCOUNT.COM",
        "123-compute@developer.gserviceaccount.com",
        "alice",
        "alice@localhost",
        " alice@example.com",
        "alice@example.com\n",
        "alice@example.com,bob@example.com",
        "al\u{131}ce@example.com",
        // Lower case of the Kelvin sign is k.
        "\u{212a}im@example.com",
        "securetoken.google.com/p/t:alice@example.com",
        "accounts.google.com:accounts.google.com:alice@example.com",
        "system:serviceaccount:a:b",
    ] {
        let refused = iap.says(&json!({"email": email})).await.unwrap_err();
        assert_eq!(refused.status(), 403, "{email}: {refused:?}");
        assert!(
            refused.sentence().contains("sign in as a person"),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn attack_17_what_is_said_of_the_device_is_fit_for_an_annotation() {
    let iap = iap().await;
    let device = async |google: Value| iap.says(&json!({"google": google})).await.unwrap();
    for odd in [
        json!({"device_id": "a\nb"}),
        json!({"device_id": "a\u{202e}b"}),
        json!({"device_id": "\u{200b}"}),
        json!({"device_id": "  "}),
        json!({"device_id": 7}),
        json!({"access_levels": "all"}),
        json!({"access_levels": [1, "a\u{0}b", ""]}),
        json!("odd"),
        json!([]),
    ] {
        let signed_in = device(odd.clone()).await;
        assert_eq!(signed_in.device_id, None, "{odd}");
        assert!(signed_in.access_levels.is_empty(), "{odd}");
    }
    let long = device(json!({"device_id": "ü".repeat(2_001)})).await;
    let id = long.device_id.unwrap();
    assert_eq!(id.chars().count(), 2_000);
    assert!(id.ends_with("ü…"), "{id}");
    let exact = device(json!({"device_id": "ü".repeat(2_000)})).await;
    assert_eq!(exact.device_id, Some("ü".repeat(2_000)));
    let many: Vec<String> = (0..300).map(|n| format!("level-{n}")).collect();
    let line = device(json!({"access_levels": many})).await;
    let line = line.access_levels_line().unwrap();
    assert!(line.chars().count() <= 2_000, "{line}");
    assert!(line.starts_with("level-0, level-1, "), "{line}");
    assert!(
        line.ends_with(" more") && line.contains(", … and "),
        "{line}"
    );
    let one = device(json!({"access_levels": ["x".repeat(2_001)]})).await;
    assert_eq!(one.access_levels, ["… and 1 more"]);
}
