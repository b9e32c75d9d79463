//! Where somebody may ask: resources in their hierarchy, and by a part of their names.

use super::*;

#[test]
fn a_binding_counts_for_all_that_is_below_it() {
    let snapshot = snapshot(vec![
        policy(
            "folders/1",
            &[binding(VIEWER, &["user:alice@example.com"], SELF)],
        ),
        policy(
            "projects/web-prod",
            &[binding(ADMIN, &["user:alice@example.com"], PEER)],
        ),
    ]);
    assert_eq!(
        found(&snapshot, &alice(), ""),
        [
            "folders/1",
            "folders/2",
            "projects/web-prod",
            "projects/web-test"
        ]
    );
    assert_eq!(
        entitled(&snapshot, &alice(), "projects/web-prod"),
        [
            (
                ADMIN.to_owned(),
                Kind::PeerApproval,
                "projects/web-prod".to_owned()
            ),
            (
                VIEWER.to_owned(),
                Kind::SelfApproval,
                "folders/1".to_owned()
            ),
        ]
    );
    assert_eq!(entitled(&snapshot, &alice(), "projects/beside"), []);
    assert_eq!(
        found(&snapshot, &person("bob@example.com", &[]), ""),
        [""; 0]
    );
    assert_eq!(snapshot.size(), (6, 2));
    assert!(
        snapshot
            .look_up(&alice(), "projects/other", now())
            .is_none()
    );
}

#[test]
fn a_place_says_where_it_is_within_the_scope() {
    let mut resources = hierarchy();
    resources.push(resource("projects/far", "Far", "folders/99"));
    let snapshot = Snapshot::new(
        resources,
        vec![policy(
            "projects/unlisted",
            &[binding(VIEWER, &["user:alice@example.com"], SELF)],
        )],
        Titles::new(),
        Groups::new(),
    );
    let place = |name| snapshot.place(name).expect("a place");
    assert_eq!(
        place("projects/web-prod"),
        Place {
            name: "projects/web-prod".to_owned(),
            display_name: "Web shop".to_owned(),
            path: ["example.com", "Production", "Shops"]
                .map(str::to_owned)
                .into(),
        }
    );
    assert_eq!(place("projects/beside").display_name, "beside");
    assert_eq!(place("projects/far").path, [""; 0]);
    // The search for resources is a little behind.
    assert_eq!(place("projects/unlisted").display_name, "unlisted");
    assert_eq!(found(&snapshot, &alice(), "unl"), ["projects/unlisted"]);
    assert_eq!(snapshot.place("folders/99"), None);
}

#[test]
fn what_begins_with_the_text_comes_first() {
    let everywhere = policy(
        "organizations/1",
        &[binding(VIEWER, &["user:alice@example.com"], SELF)],
    );
    let mut resources = hierarchy();
    resources.push(resource("projects/a-web", "Österreich", "organizations/1"));
    let snapshot = Snapshot::new(resources, vec![everywhere], Titles::new(), Groups::new());
    assert_eq!(
        found(&snapshot, &alice(), " WEB "),
        ["projects/web-prod", "projects/web-test", "projects/a-web"]
    );
    assert_eq!(found(&snapshot, &alice(), "öSTER"), ["projects/a-web"]);
    assert_eq!(
        found(&snapshot, &alice(), "projects/web-p"),
        ["projects/web-prod"]
    );
    assert_eq!(
        found(&snapshot, &alice(), "shop"),
        ["folders/2", "projects/web-prod", "projects/web-test"]
    );
    // Each word, wherever it stands.
    assert_eq!(
        found(&snapshot, &alice(), "test web"),
        ["projects/web-test"]
    );
    assert_eq!(
        found(&snapshot, &alice(), "web  shop"),
        ["projects/web-prod", "projects/web-test"]
    );
    assert_eq!(
        found(&snapshot, &alice(), "projects/web test"),
        ["projects/web-test"]
    );
    assert_eq!(found(&snapshot, &alice(), "web nowhere"), [""; 0]);
    let few = snapshot.find_at(&alice(), "", 2, now());
    assert_eq!((few.places.len(), few.more), (2, 5));
    let none = snapshot.find_at(&alice(), "web", 0, now());
    assert_eq!((none.places.len(), none.more), (0, 3));
}

#[test]
fn a_project_may_be_named_by_its_number_and_one_that_is_deleted_is_none() {
    let mut resources = hierarchy();
    resources[0].number = Some("projects/123".to_owned());
    resources[1].is_deleted = true;
    let members = &["user:alice@example.com"];
    let snapshot = Snapshot::new(
        resources,
        vec![
            policy("projects/123", &[binding(VIEWER, members, SELF)]),
            policy("projects/web-test", &[binding(VIEWER, members, SELF)]),
        ],
        Titles::new(),
        Groups::new(),
    );
    assert_eq!(found(&snapshot, &alice(), ""), ["projects/web-prod"]);
    assert_eq!(snapshot.size(), (5, 1));
}

#[test]
fn parents_in_a_circle_end() {
    let snapshot = Snapshot::new(
        vec![
            resource("folders/1", "", "folders/2"),
            resource("folders/2", "", "folders/1"),
            resource("projects/web-prod", "", "projects/web-prod"),
        ],
        vec![policy(
            "folders/1",
            &[binding(VIEWER, &["user:alice@example.com"], SELF)],
        )],
        Titles::new(),
        Groups::new(),
    );
    assert!(found(&snapshot, &alice(), "").contains(&"folders/1".to_owned()));
    assert!(snapshot.place("projects/web-prod").is_some());
}
