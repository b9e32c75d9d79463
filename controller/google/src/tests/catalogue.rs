//! Reading the catalogue: two searches, and what people read beside names.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use jit_access_core::{eligibility::Person, resource::ResourceName};
use serde_json::{Value, json};

use super::{
    fake_google::{FakeGoogle, Reply, Request},
    google, google_within, limits,
};
use crate::{Kind, Limits, catalogue::Catalogue};

const POLICIES: &str = "/v1/organizations/1:searchAllIamPolicies";
const RESOURCES: &str = "/v1/organizations/1:searchAllResources";

fn full(name: &str) -> String {
    format!("//cloudresourcemanager.googleapis.com/{name}")
}

fn resource(name: &str, display_name: &str, parent: &str) -> Value {
    json!({"name": full(name), "displayName": display_name, "state": "ACTIVE", "parentFullResourceName": full(parent)})
}

/// A binding of a role for Alice and of another for a group with peers.
fn policy(resource: &str) -> Value {
    json!({"resource": full(resource), "policy": {"bindings": [
        {"role": "roles/compute.admin", "members": ["user:alice@example.com"],
         "condition": {"title": "eligible", "expression": "has({}.jitAccessConstraint)"}},
        {"role": "projects/web-prod/roles/deployer", "members": ["group:Sre@example.com", "user:alice@example.com"],
         "condition": {"title": "eligible", "expression": "has({}.multiPartyApprovalConstraint)"}},
    ]}})
}

fn page(results: &[Value], next: &str) -> Reply {
    Reply::json(json!({"results": results, "nextPageToken": next}))
}

/// A small organization that answers everything.
fn answer(request: &Request) -> Reply {
    match request.path() {
        RESOURCES => page(
            &[
                resource("organizations/1", "example.com", "organizations/1"),
                resource("projects/web-prod", "Web shop", "organizations/1"),
            ],
            "",
        ),
        POLICIES => page(&[policy("projects/web-prod")], ""),
        "/v1/roles/compute.admin" => {
            Reply::json(json!({"name": "roles/compute.admin", "title": "Compute Admin"}))
        }
        "/v1/projects/web-prod/roles/deployer" => Reply::json(json!({"title": "Web Deployer"})),
        "/v1/groups:lookup" => Reply::json(json!({"name": "groups/01sre"})),
        "/v1/groups/01sre/memberships:searchTransitiveMemberships" => {
            Reply::json(json!({"memberships": [
                {"member": "users/1", "preferredMemberKey": [{"id": "Bob@example.com"}]},
                {"member": "users/2", "preferredMemberKey": [{"id": "x@web.iam.gserviceaccount.com"}]},
                {"member": "groups/02", "preferredMemberKey": [{"id": "nested@example.com"}]},
            ]}))
        }
        other => Reply::error(404, "NOT_FOUND", other),
    }
}

async fn catalogue(fake: &FakeGoogle) -> Catalogue {
    let scope = ResourceName::parse("organizations/1").expect("a name");
    Catalogue::new(google(fake).await, &scope)
}

fn alice() -> Person {
    Person::new("alice@example.com", [""; 0])
}

fn paths(fake: &FakeGoogle) -> Vec<String> {
    let mut paths: Vec<String> = fake
        .calls()
        .iter()
        .map(|call| call.path().to_owned())
        .collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn a_refresh_reads_all_that_a_form_shows() {
    let fake = FakeGoogle::start(|_, request| answer(request)).await;
    let catalogue = catalogue(&fake).await;
    assert_eq!(catalogue.current().size(), (0, 0));
    assert_eq!(catalogue.freshness().read, None);
    let before = Timestamp::now();
    // A program refreshes it in a task of its own.
    let task = catalogue.clone();
    let refreshed = tokio::spawn(async move { task.refresh().await }).await;
    refreshed.expect("no panic").expect("a refresh");

    let snapshot = catalogue.current();
    assert_eq!(snapshot.size(), (2, 2));
    assert_eq!(
        snapshot.place("projects/web-prod").expect("found").path,
        ["example.com"]
    );
    assert_eq!(snapshot.title("roles/compute.admin"), Some("Compute Admin"));
    assert_eq!(
        snapshot.title("projects/web-prod/roles/deployer"),
        Some("Web Deployer")
    );
    let reviewers = snapshot.reviewers(
        &alice(),
        "projects/web-prod",
        "projects/web-prod/roles/deployer",
        Timestamp::now(),
    );
    assert_eq!(reviewers.people, ["bob@example.com".to_owned()].into());
    assert!(reviewers.unlisted_groups.is_empty());
    let freshness = catalogue.freshness();
    assert!(freshness.read.is_some_and(|read| read >= before));
    assert_eq!(freshness.problem, None);

    let calls = fake.calls();
    let search = |path| {
        calls
            .iter()
            .find(|call| call.path() == path)
            .expect("a search")
    };
    assert_eq!(
        search(POLICIES).parameter("query").as_deref(),
        Some("policy:(jitAccessConstraint OR multiPartyApprovalConstraint)")
    );
    for path in [POLICIES, RESOURCES] {
        let target = &search(path).target;
        assert_eq!(search(path).parameter("pageSize").as_deref(), Some("500"));
        for kind in ["Project", "Folder", "Organization"] {
            let parameter = format!("assetTypes=cloudresourcemanager.googleapis.com%2F{kind}");
            assert!(target.contains(&parameter), "{target}");
        }
    }
}

#[tokio::test]
async fn the_calls_do_not_grow_with_the_users() {
    let fake = FakeGoogle::start(|_, request| answer(request)).await;
    let catalogue = catalogue(&fake).await;
    catalogue.refresh().await.expect("a refresh");
    let first = paths(&fake);
    assert_eq!(first.len(), 6, "{first:?}");
    for user in 0..1_000 {
        let person = Person::new(&format!("user{user}@example.com"), ["sre@example.com"]);
        assert_eq!(catalogue.current().find(&person, "web", 10).places.len(), 1);
    }
    assert_eq!(paths(&fake), first);
    catalogue.refresh().await.expect("a refresh");
    // Titles and members are known already.
    assert_eq!(paths(&fake).len(), first.len() + 2);
}

#[tokio::test]
async fn all_pages_are_read() {
    let fake = FakeGoogle::start(|_, request| {
        let token = request.parameter("pageToken").unwrap_or_default();
        match (request.path(), token.as_str()) {
            (POLICIES, "") => page(&[policy("projects/web-prod")], "a/b+c="),
            (POLICIES, "a/b+c=") => page(&[], "last"),
            (POLICIES, "last") => page(
                &[
                    policy("projects/web-test"),
                    json!({"resource": "//storage.googleapis.com/projects/_/buckets/b", "policy": {}}),
                    json!({"resource": full("projects/..")}),
                ],
                "",
            ),
            (RESOURCES, "") => page(&[resource("projects/web-prod", "", "folders/1")], "last"),
            (RESOURCES, "last") => page(&[resource("folders/1", "Shops", "folders/1")], ""),
            _ => answer(request),
        }
    })
    .await;
    let catalogue = catalogue(&fake).await;
    catalogue.refresh().await.expect("a refresh");
    let snapshot = catalogue.current();
    assert_eq!(snapshot.size(), (3, 4));
    assert_eq!(
        snapshot.place("projects/web-prod").expect("found").path,
        ["Shops"]
    );
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let denied = Reply::error(
        403,
        "PERMISSION_DENIED",
        "The caller does not have permission",
    );
    let fake = FakeGoogle::start(move |_, request| match request.path() {
        POLICIES => denied.clone(),
        _ => answer(request),
    })
    .await;
    let catalogue = catalogue(&fake).await;
    let error = catalogue.refresh().await.expect_err("denied");
    assert_eq!(error.kind, Kind::Denied);
    let sentence = "Google refused to search organizations/1 for IAM policies: either our service account lacks the \
         permission cloudasset.assets.searchAllIamPolicies on organizations/1 (roles/cloudasset.viewer has it), or \
         organizations/1 does not exist, which Google answers alike. Google said: \"The caller does not have \
         permission\".";
    assert_eq!(error.to_string(), sentence);
    let freshness = catalogue.freshness();
    assert_eq!(freshness.read, None);
    assert_eq!(freshness.problem.as_deref(), Some(sentence));
}

#[tokio::test]
async fn what_is_cut_off_or_fails_once_is_asked_for_again() {
    let cut = AtomicBool::new(true);
    let failed = AtomicBool::new(true);
    let fake = FakeGoogle::start(move |_, request| match request.path() {
        RESOURCES if cut.swap(false, Ordering::SeqCst) => Reply::Truncated(
            json!({"results": [resource("projects/web-prod", "", "")]}).to_string(),
        ),
        POLICIES if failed.swap(false, Ordering::SeqCst) => {
            Reply::error(500, "INTERNAL", "Internal error encountered.")
        }
        _ => answer(request),
    })
    .await;
    let catalogue = catalogue(&fake).await;
    catalogue.refresh().await.expect("a refresh");
    assert_eq!(catalogue.current().size(), (2, 2));
    assert_eq!(paths(&fake).len(), 8);
}

#[tokio::test]
async fn one_page_that_fails_leaves_all_as_it_was() {
    for path in [POLICIES, RESOURCES] {
        for reply in [
            Reply::error(503, "UNAVAILABLE", "later"),
            Reply::Truncated("{\"results\": []}".to_owned()),
            Reply::Cut,
        ] {
            let fails = Arc::new(AtomicBool::new(false));
            let (failing, failure) = (Arc::clone(&fails), reply.clone());
            let fake = FakeGoogle::start(move |_, request| {
                let fails = failing.load(Ordering::SeqCst) && request.path() == path;
                match request.parameter("pageToken").as_deref() {
                    Some("second") if fails => failure.clone(),
                    Some("") | None if fails => page(&[], "second"),
                    _ => answer(request),
                }
            })
            .await;
            let catalogue = catalogue(&fake).await;
            catalogue.refresh().await.expect("a refresh");
            let before = catalogue.freshness();

            fails.store(true, Ordering::SeqCst);
            catalogue.refresh().await.expect_err("half of it");
            assert_eq!(catalogue.current().size(), (2, 2), "{path} {reply:?}");
            assert_eq!(
                catalogue.current().title("roles/compute.admin"),
                Some("Compute Admin")
            );
            let after = catalogue.freshness();
            assert_eq!(after.read, before.read);
            assert!(after.problem.is_some());

            fails.store(false, Ordering::SeqCst);
            catalogue.refresh().await.expect("a refresh");
            assert_eq!(catalogue.freshness().problem, None);
        }
    }
}

#[tokio::test]
async fn pages_without_end_are_an_error() {
    let fake = FakeGoogle::start(|_, request| match request.path() {
        POLICIES => page(&[], "again"),
        _ => answer(request),
    })
    .await;
    let error = catalogue(&fake).await.refresh().await.expect_err("no end");
    assert_eq!(error.kind, Kind::Other);
    assert!(
        error.to_string().contains("choose a smaller scope"),
        "{error}"
    );
}

#[tokio::test]
async fn titles_and_groups_that_cannot_be_read_spoil_nothing() {
    let fake = FakeGoogle::start(|_, request| match request.path() {
        POLICIES | RESOURCES => answer(request),
        _ => Reply::error(403, "PERMISSION_DENIED", "no"),
    })
    .await;
    let catalogue = catalogue(&fake).await;
    for _ in 0..3 {
        catalogue.refresh().await.expect("a refresh");
    }
    let snapshot = catalogue.current();
    assert_eq!(snapshot.size(), (2, 2));
    assert_eq!(snapshot.title("roles/compute.admin"), None);
    let role = "projects/web-prod/roles/deployer";
    let reviewers = snapshot.reviewers(&alice(), "projects/web-prod", role, Timestamp::now());
    assert_eq!(
        reviewers.unlisted_groups,
        ["sre@example.com".to_owned()].into()
    );
    assert_eq!(catalogue.freshness().problem, None);
    // What failed is not asked for again at each refresh: three times two searches, two roles, one group.
    assert_eq!(paths(&fake).len(), 9, "{:?}", paths(&fake));
}

#[tokio::test]
async fn a_title_that_does_not_come_holds_no_refresh_up() {
    let fake = FakeGoogle::start(|_, request| match request.path() {
        "/v1/projects/web-prod/roles/deployer" => Reply::Hang,
        _ => answer(request),
    })
    .await;
    // No attempt ends by itself.
    let limits = Limits {
        read_timeout: Duration::from_secs(3600),
        names_within: Duration::from_secs(1),
        ..limits()
    };
    let scope = ResourceName::parse("organizations/1").expect("a name");
    let catalogue = Catalogue::new(google_within(&fake, limits).await, &scope);
    for _ in 0..2 {
        let refreshed = tokio::time::timeout(Duration::from_secs(60), catalogue.refresh()).await;
        refreshed.expect("in time").expect("a refresh");
        let snapshot = catalogue.current();
        assert_eq!(snapshot.size(), (2, 2));
        let role = "projects/web-prod/roles/deployer";
        assert_eq!(snapshot.title(role), None);
        // What came in time is there.
        assert_eq!(snapshot.title("roles/compute.admin"), Some("Compute Admin"));
        let reviewers = snapshot.reviewers(&alice(), "projects/web-prod", role, Timestamp::now());
        assert_eq!(reviewers.people, ["bob@example.com".to_owned()].into());
    }
    assert_eq!(catalogue.freshness().problem, None);
    // It is asked for again with the next refresh.
    let asked = paths(&fake);
    let hanging = asked.iter().filter(|path| path.ends_with("/deployer"));
    assert_eq!(hanging.count(), 2, "{asked:?}");
}

#[tokio::test]
async fn it_is_kept_fresh_and_sooner_again_after_a_failure() {
    let searches = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&searches);
    let fake = FakeGoogle::start(move |_, request| {
        if request.path() == POLICIES && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::error(403, "PERMISSION_DENIED", "no");
        }
        answer(request)
    })
    .await;
    let catalogue = catalogue(&fake).await;
    let kept = catalogue.clone();
    let task = tokio::spawn(async move { kept.keep_fresh(Duration::from_millis(20)).await });
    let patience = tokio::time::timeout(Duration::from_secs(30), async {
        while searches.load(Ordering::SeqCst) < 4 || catalogue.freshness().read.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    patience.await.expect("several refreshes");
    assert_eq!(catalogue.freshness().problem, None);
    task.abort();
}
