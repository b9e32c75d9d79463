//! Assertions that IAP did not sign, or did not sign so.

use super::*;

#[tokio::test]
async fn attack_22_the_header_does_not_choose_the_algorithm() {
    let iap = iap().await;
    let claims = claims_at(now());
    let kid = "key-1";
    let public = iap.signer.public_point();
    for (header, signature) in [
        (json!({"alg": "none", "kid": kid}), Vec::new()),
        (json!({"alg": "None", "kid": kid}), Vec::new()),
        (json!({"kid": kid}), Vec::new()),
        (json!({"alg": "ES256", "kid": kid}), Vec::new()),
        (json!({"alg": "ES256", "kid": kid}), vec![0; 64]),
    ] {
        let forged = signer::join(&header, &claims, |_| signature.clone());
        assert_eq!(iap.refuses(&forged).await.status(), 401, "{header}");
    }
    for alg in ["HS256", "HS384", "HS512"] {
        let header = json!({"alg": alg, "kid": kid});
        for secret in [&public[..], &public[1..]] {
            let forged = signer::join(&header, &claims, |text| signer::hs256(secret, text));
            assert_eq!(iap.refuses(&forged).await.status(), 401, "{alg}");
        }
    }
    for alg in ["RS256", "PS256", "ES384", "EdDSA", "es256", "ES256K"] {
        let header = json!({"alg": alg, "kid": kid});
        let forged = iap.signer.sign_with(&header, &claims);
        assert_eq!(iap.refuses(&forged).await.status(), 401, "{alg}");
    }
    // None of these is worth a key.
    let fresh = self::iap().await;
    for alg in ["none", "HS256", "ES384"] {
        let forged = fresh
            .signer
            .sign_with(&json!({"alg": alg, "kid": kid}), &claims);
        fresh.refuses(&forged).await;
    }
    assert_eq!(fresh.server.downloads(), 0);
}

#[tokio::test]
async fn attack_22_another_key_or_a_key_in_the_header_proves_nothing() {
    let iap = iap().await;
    let claims = claims_at(now());
    let stranger = Signer::new("key-1");
    assert_eq!(iap.refuses(&stranger.sign(&claims)).await.status(), 401);
    for header in [
        json!({"alg": "ES256", "kid": "key-1", "jwk": stranger.jwk()}),
        json!({"alg": "ES256", "jwk": stranger.jwk()}),
        json!({"alg": "ES256", "kid": "key-1", "jku": "https://evil.example.com/keys"}),
    ] {
        let forged = stranger.sign_with(&header, &claims);
        assert_eq!(iap.refuses(&forged).await.status(), 401, "{header}");
    }
    let critical = json!({"alg": "ES256", "kid": "key-1", "crit": ["b64"], "b64": false});
    let forged = iap.signer.sign_with(&critical, &claims);
    assert_eq!(iap.refuses(&forged).await.status(), 401);
    let without_id = iap.signer.sign_with(&json!({"alg": "ES256"}), &claims);
    assert_eq!(iap.refuses(&without_id).await.status(), 401);
}

#[tokio::test]
async fn attack_22_altered_claims_and_garbage_are_refused() {
    let iap = iap().await;
    let genuine = iap.signer.sign(&claims_at(now()));
    let [header, _, signature] = genuine.split('.').collect::<Vec<_>>()[..] else {
        panic!("{genuine}");
    };
    let mallory = signer::encode(&claims_with(&json!({"email": "mallory@example.com"})));
    let no_claims = iap.signer.sign(&json!(["not", "claims"]));
    let twice = claims_at(now()).to_string();
    let repeated = signer::join_text(
        r#"{"alg":"ES256","kid":"key-1"}"#,
        &twice.replacen('{', r#"{"email":"mallory@example.com","#, 1),
        |text| iap.signer.signature(text),
    );
    for assertion in [
        String::new(),
        "x".into(),
        "..".into(),
        "a.b.c".into(),
        format!("{header}.{mallory}.{signature}"),
        format!("{genuine}."),
        format!("{genuine}.x"),
        format!("{genuine}="),
        format!(" {genuine}"),
        format!("Bearer {genuine}"),
        genuine[..genuine.len() - 2].into(),
        format!("{genuine},{genuine}"),
        no_claims,
        repeated,
        "ä".repeat(100),
    ] {
        assert_eq!(iap.refuses(&assertion).await.status(), 401, "{assertion}");
    }
    assert!(iap.assertions.verify(&genuine, now()).await.is_ok());
}

#[tokio::test]
async fn attack_22_a_huge_assertion_is_not_read() {
    let iap = iap().await;
    let huge = iap
        .signer
        .sign(&claims_with(&json!({"x": "x".repeat(16_384)})));
    assert_eq!(iap.refuses(&huge).await.status(), 401);
    assert_eq!(iap.server.downloads(), 0);
    let large = iap
        .signer
        .sign(&claims_with(&json!({"x": "x".repeat(8_000)})));
    assert!(iap.assertions.verify(&large, now()).await.is_ok());
}
