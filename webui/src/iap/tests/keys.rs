//! Where keys come from, and how often they are asked for.

use std::time::Duration;

use futures::future::join_all;

use super::*;

/// What comes of an assertion with this key, so many seconds later.
async fn try_at(iap: &Iap, signer: &Signer, seconds: i64) -> u16 {
    let assertion = signer.sign(&claims_at(at(seconds)));
    match iap.assertions.verify(&assertion, at(seconds)).await {
        Ok(_) => 200,
        Err(refused) => refused.status().as_u16(),
    }
}

#[tokio::test]
async fn attack_22_all_wait_for_one_download() {
    let iap = iap().await;
    let answers = join_all((0..50).map(|_| try_at(&iap, &iap.signer, 0))).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(try_at(&iap, &iap.signer, 3_599).await, 200);
    assert_eq!(iap.server.downloads(), 1);
}

#[tokio::test]
async fn attack_22_unknown_key_ids_download_once_a_minute() {
    let iap = iap().await;
    assert_eq!(try_at(&iap, &iap.signer, 0).await, 200);
    let strangers: Vec<Signer> = (0..50).map(|n| Signer::new(&format!("x-{n}"))).collect();
    for (seconds, downloads) in [(1, 1), (59, 1), (60, 2), (61, 2), (119, 2), (120, 3)] {
        let tries = strangers
            .iter()
            .map(|stranger| try_at(&iap, stranger, seconds));
        let answers = join_all(tries).await;
        assert!(answers.iter().all(|status| *status == 401), "{answers:?}");
        assert_eq!(iap.server.downloads(), downloads, "after {seconds} s");
    }
    assert_eq!(try_at(&iap, &iap.signer, 121).await, 200);
}

#[tokio::test]
async fn attack_22_who_goes_away_does_not_stop_the_download() {
    let iap = iap().await;
    iap.server.answer_after(Duration::from_secs(1));
    for _ in 0..5 {
        let gone = try_at(&iap, &iap.signer, 0);
        let short = Duration::from_millis(20);
        assert!(tokio::time::timeout(short, gone).await.is_err());
    }
    assert_eq!(try_at(&iap, &iap.signer, 0).await, 200);
    assert_eq!(iap.server.downloads(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_and_one_that_was_taken_away_is_dropped() {
    let iap = iap().await;
    assert_eq!(try_at(&iap, &iap.signer, 0).await, 200);
    let next = Signer::new("key-2");
    iap.server.publish(&[iap.signer.jwk(), next.jwk()]);
    assert_eq!(try_at(&iap, &next, 60).await, 200);
    assert_eq!(try_at(&iap, &iap.signer, 60).await, 200);
    assert_eq!(iap.server.downloads(), 2);
    iap.server.publish(&[next.jwk()]);
    // The list is an hour old: it is renewed behind the back of who asks.
    assert_eq!(try_at(&iap, &iap.signer, 3_660).await, 200);
    iap.server.downloaded(3).await;
    assert_eq!(try_at(&iap, &iap.signer, 3_661).await, 401);
    assert_eq!(try_at(&iap, &next, 3_661).await, 200);
}

#[tokio::test]
async fn known_keys_stay_in_use_while_the_list_cannot_be_downloaded() {
    let iap = iap().await;
    assert_eq!(try_at(&iap, &iap.signer, 0).await, 200);
    for (round, body) in ["", "{}", "{\"keys\": []}", "<html>"].iter().enumerate() {
        let status = if body.is_empty() { 503 } else { 200 };
        iap.server.answer_with(status, body);
        let hour = 3_600 + 60 * i64::try_from(round).unwrap();
        let tries = (0..20).map(|_| try_at(&iap, &iap.signer, hour));
        let answers = join_all(tries).await;
        assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
        iap.server.downloaded(round + 2).await;
        // Whether this one is on the list now cannot be said.
        assert_eq!(try_at(&iap, &Signer::new("key-2"), hour).await, 503);
        assert_eq!(iap.server.downloads(), round + 2);
    }
    iap.server.publish(&[iap.signer.jwk()]);
    assert_eq!(try_at(&iap, &iap.signer, 7_200).await, 200);
    iap.server.downloaded(6).await;
    assert_eq!(try_at(&iap, &Signer::new("key-2"), 7_201).await, 401);
}

#[tokio::test]
async fn without_keys_it_cannot_be_said_who_is_signed_in() {
    let iap = iap().await;
    iap.server.answer_with(500, "");
    let answers = join_all((0..50).map(|_| try_at(&iap, &iap.signer, 0))).await;
    assert!(answers.iter().all(|status| *status == 503), "{answers:?}");
    assert_eq!(try_at(&iap, &iap.signer, 4).await, 503);
    assert_eq!(iap.server.downloads(), 1);
    iap.server.publish(&[iap.signer.jwk()]);
    assert_eq!(try_at(&iap, &iap.signer, 5).await, 200);
}

#[tokio::test]
async fn no_address_no_answer_and_no_redirect_are_no_keys() {
    let signer = Signer::new("key-1");
    let assertion = signer.sign(&claims_at(now()));
    let nobody = Assertions::new(AUDIENCE, "http://127.0.0.1:1/keys").unwrap();
    let refused = nobody.verify(&assertion, now()).await.unwrap_err();
    assert_eq!(refused.status(), 503);
    assert!(refused.detail().contains("refused"), "{refused:?}");

    let elsewhere = KeyServer::start(&[signer.jwk()]).await;
    let iap = iap().await;
    iap.server.answer_with(302, "");
    iap.server.with_header("location", &elsewhere.url());
    assert_eq!(try_at(&iap, &signer, 0).await, 503);
    assert_eq!(elsewhere.downloads(), 0);

    iap.server.answer_after(Duration::from_secs(3_600));
    let began = std::time::Instant::now();
    assert_eq!(try_at(&iap, &signer, 5).await, 503);
    assert!(began.elapsed().as_secs() < 8);
}

#[tokio::test]
async fn attack_22_a_list_without_end_is_not_read() {
    let iap = iap().await;
    let padding = " ".repeat(1024 * 1024);
    let list = json!({"keys": [iap.signer.jwk()]}).to_string();
    iap.server.answer_with(200, &format!("{list}{padding}"));
    assert_eq!(try_at(&iap, &iap.signer, 0).await, 503);
}

#[tokio::test]
async fn attack_22_only_keys_for_this_algorithm_are_used() {
    let good = Signer::new("good");
    let with = |signer: &Signer, name: &str, value: Value| {
        let mut jwk = signer.jwk();
        jwk[name] = value;
        jwk
    };
    let odd: Vec<Signer> = (0..5).map(|n| Signer::new(&format!("odd-{n}"))).collect();
    let server = KeyServer::start(&[
        json!({"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "oct", "kid": "secret", "k": "AAAA"}),
        json!({"kty": "AKP", "kid": "new", "alg": "ML-DSA-44", "pub": "x"}),
        json!("odd"),
        with(&odd[0], "alg", json!("ES384")),
        with(&odd[1], "use", json!("enc")),
        with(&odd[2], "crv", json!("P-384")),
        with(&odd[3], "x", json!("!")),
        with(&odd[4], "kid", json!(null)),
        good.jwk(),
    ])
    .await;
    let assertions = Assertions::new(AUDIENCE, &server.url()).unwrap();
    let iap = Iap {
        signer: Signer::new("unused"),
        server,
        assertions,
    };
    assert_eq!(try_at(&iap, &good, 0).await, 200);
    for signer in &odd {
        assert_eq!(try_at(&iap, signer, 0).await, 401);
    }
    for id in ["rsa", "secret", "new"] {
        assert_eq!(try_at(&iap, &Signer::new(id), 0).await, 401);
    }
}
