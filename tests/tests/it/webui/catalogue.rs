//! What the web UI lists, what that costs, and what remains when Google does not tell.

use anyhow::Result;
use jit_access_crds::AccessState;
use jit_access_tests::bench::{Bench, ORGANIZATION, Setup};
use jit_access_tests::case::Case;
use serde_json::json;

use super::{ADMIN, sent_to};

/// What stands over roles that can be chosen.
const OFFER: &str = "You activate these yourself";

#[tokio::test]
async fn pages_cost_no_call_of_google_but_a_persons_groups_once() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let webui = case.webui(&[]).await?;
    let browser = case.browser(&webui, &alice)?;
    let address = format!("/?resource={}", case.project);
    browser.page_with(&address, OFFER).await?;
    let (_, position) = bench.simulator.calls_after(0).await?;
    for path in [
        address.as_str(),
        "/",
        "/?q=case",
        "/requests",
        "/waiting",
        "/history",
        "/resources?q=c",
    ] {
        assert_eq!(browser.get(path).await?.status, 200, "{path}");
    }
    let (calls, _) = bench.simulator.calls_after(position).await?;
    let mut methods: Vec<&str> = calls.iter().map(|call| call.method.as_str()).collect();
    methods.retain(|method| *method != "iap.keys");
    assert!(methods.is_empty(), "{methods:?}");
    Ok(())
}

#[tokio::test]
async fn when_cloud_asset_is_denied_lists_say_so_and_names_still_work() -> Result<()> {
    let bench = Bench::start(Setup::default()).await?;
    let case = Case::new(&bench).await?;
    let alice = case.person("alice").await?;
    case.eligible(&alice, ADMIN).await?;
    let denied = json!({"method": "searchAllIamPolicies", "resource": ORGANIZATION, "status": 403});
    let fault = bench.simulator.fault(&denied).await?;
    let webui = case.webui(&["--catalogue-interval=2s"]).await?;
    let browser = case.browser(&webui, &alice)?;
    let page = browser.page_with("/", "cannot be listed").await?;
    assert!(
        page.text.contains("cloudasset.assets.searchAllIamPolicies"),
        "{}",
        page.text
    );
    // The way on is open, and nothing says that there is nothing.
    let page = browser.get("/?q=web").await?;
    assert!(!page.text.contains("Nothing on which"), "{}", page.text);
    assert!(
        page.text.contains("value=\"web\" autocomplete"),
        "{}",
        page.text
    );
    let fields = [
        ("resource", case.project.as_str()),
        ("other-role", ADMIN),
        ("justification", "INC-7"),
    ];
    let name = sent_to(&browser.post("/requests", &fields).await?)?;
    case.wait_for(&name, AccessState::Active).await?;
    // And once it is permitted, the lists are there.
    bench.simulator.remove_fault(&fault).await?;
    let address = format!("/?resource={}", case.project);
    browser.page_with(&address, OFFER).await?;
    Ok(())
}
