//! Who may do what with an AccessRequest, by the real API server: every person, every action. What
//! comes out is in `truth_table.txt`, which people read; each action says by itself, in
//! `actions/`, who may do it.

mod actions;
mod people;

use std::fmt::Write as _;

use anyhow::{Context, Result};
use jit_access_tests::bench::{Bench, ORGANIZATION, Setup};
use jit_access_tests::case::Case;
use jit_access_tests::control_plane::Options;
use jit_access_tests::{install, programs};
use kube::Client;
use serde_json::Value;

use actions::{ACTIONS, Action, Call};
use people::{Identified, PEOPLE, Who};

const TABLE: &str = "tests/tests/it/truth_table.txt";

/// The namespace of the table's requests.
const NAMESPACE: &str = "table";
/// Another one that is set up.
const ELSEWHERE: &str = "elsewhere";
/// One that is not.
const NOT_SET_UP: &str = "default";

/// The program that speaks for persons in [`NAMESPACE`].
const DELEGATE: &str = "system:serviceaccount:agents:flux";

/// One cell: `None` if it is admitted, otherwise what is said.
async fn ask(
    client: &Client,
    action: &Action,
    who: &Identified,
    uid8: &str,
) -> Result<Option<String>> {
    let base = "/apis/jit-access.dev/v1alpha1/namespaces";
    let (request, body) = match (action.call)(who, uid8) {
        Call::Create(namespace, manifest) => (
            http::Request::post(format!("{base}/{namespace}/accessrequests?dryRun=All")),
            manifest.to_string(),
        ),
        Call::Patch(name, patch) => (
            http::Request::patch(format!(
                "{base}/{NAMESPACE}/accessrequests/{name}?dryRun=All"
            ))
            .header("content-type", "application/merge-patch+json"),
            patch.to_string(),
        ),
        Call::PatchStatus(name, patch) => (
            http::Request::patch(format!(
                "{base}/{NAMESPACE}/accessrequests/{name}/status?dryRun=All"
            ))
            .header("content-type", "application/merge-patch+json"),
            patch.to_string(),
        ),
        Call::Delete(name) => (
            http::Request::delete(format!(
                "{base}/{NAMESPACE}/accessrequests/{name}?dryRun=All"
            )),
            String::new(),
        ),
    };
    match client.request_text(request.body(body.into_bytes())?).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) => Ok(Some(sentence(&status.message, uid8))),
        Err(error) => Err(error.into()),
    }
}

/// The part of a refusal that is the project's own, without what differs from run to run.
fn sentence(message: &str, uid8: &str) -> String {
    let policy = format!(
        "ValidatingAdmissionPolicy '{0}' with binding '{0}' denied request: ",
        install::POLICY
    );
    let said = match message.split_once(&policy) {
        Some((_, said)) => said.to_owned(),
        None if message.contains(" cannot ") && message.contains("in API group") => {
            "(no such right in RBAC)".to_owned()
        }
        None => match message.split_once(" is invalid: ") {
            Some((_, said)) => format!("(schema) {said}"),
            None => message.to_owned(),
        },
    };
    if uid8.is_empty() {
        return said;
    }
    said.replace(uid8, "UID8")
}

struct Table<'a> {
    case: Case<'a>,
    uids: std::collections::BTreeMap<&'static str, String>,
}

impl<'a> Table<'a> {
    /// Nothing changes the requests: there is no controller.
    async fn on(bench: &'a Bench) -> Result<Self> {
        let case = Case::new(bench).await?;
        let admin = bench.admin_kubectl("default")?;
        admin
            .run_with(
                &["--namespace=", "apply", "--filename=-"],
                &people::setup().to_string(),
            )
            .await?
            .success()?;
        case.set_up(
            NAMESPACE,
            ORGANIZATION,
            &[DELEGATE, "system:serviceaccount:table:inside"],
        )
        .await?;
        case.set_up(
            ELSEWHERE,
            ORGANIZATION,
            &["system:serviceaccount:agents:other"],
        )
        .await?;
        let mut this = Self {
            case,
            uids: std::collections::BTreeMap::new(),
        };
        for fixture in actions::fixtures() {
            let uid = this.make(&fixture.maker, &fixture.manifest).await?;
            for (who, patch) in fixture.patches {
                let client = this.client(&who).await?;
                this.patch(&client, fixture.name, &patch(&uid[..8])).await?;
            }
            this.uids.insert(fixture.name, uid[..8].to_owned());
        }
        Ok(this)
    }

    async fn client(&self, who: &Who) -> Result<Client> {
        Identified::new(who)
            .client(&self.case.bench.control_plane)
            .await
    }

    async fn make(&self, maker: &Who, manifest: &Value) -> Result<String> {
        let client = self.client(maker).await?;
        let path = format!("/apis/jit-access.dev/v1alpha1/namespaces/{NAMESPACE}/accessrequests");
        let request = http::Request::post(path).body(manifest.to_string().into_bytes())?;
        let made: Value = client.request(request).await?;
        let uid = made["metadata"]["uid"].as_str();
        Ok(uid.context("a UID")?.to_owned())
    }

    async fn patch(&self, client: &Client, name: &str, patch: &Value) -> Result<()> {
        let path =
            format!("/apis/jit-access.dev/v1alpha1/namespaces/{NAMESPACE}/accessrequests/{name}");
        let request = http::Request::patch(path)
            .header("content-type", "application/merge-patch+json")
            .body(patch.to_string().into_bytes())?;
        client
            .request::<Value>(request)
            .await
            .with_context(|| name.to_owned())?;
        Ok(())
    }

    /// The whole table. Where somebody may who must not, or the other way round, that is an error.
    async fn run(&self, impersonate: bool) -> Result<String> {
        let mut clients = Vec::new();
        for who in PEOPLE {
            let identified = Identified::new(who);
            let control_plane = &self.case.bench.control_plane;
            let client = match impersonate {
                true => identified.impersonated(control_plane).await?,
                false => identified.client(control_plane).await?,
            };
            clients.push((who, identified, client));
        }
        let mut text = String::from(HEAD);
        for who in PEOPLE {
            writeln!(text, "    {:<24} {}", format!("{who:?}"), who.description())?;
        }
        let mut wrong = Vec::new();
        for action in ACTIONS.into_iter().flatten() {
            writeln!(text, "\n{}", action.name)?;
            let uid8 = action
                .on
                .and_then(|name| self.uids.get(name))
                .map_or("", String::as_str);
            for (who, identified, client) in &clients {
                let answer = ask(client, action, identified, uid8).await?;
                if answer.is_none() != action.may.contains(who) {
                    wrong.push(format!("{}: {who:?}: {answer:?}", action.name));
                }
                match answer {
                    None => writeln!(text, "  ✔ {who:?}")?,
                    Some(said) => writeln!(text, "  ✘ {who:?}: {said}")?,
                }
            }
        }
        anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(text)
    }
}

const HEAD: &str = "\
Who may do what with an AccessRequest, and what the others are told. A test runs every line on a
real API server. UID8 stands for the first eight characters of the request's UID.

";

#[tokio::test]
async fn attacks_1_to_8_21_24_and_30_the_truth_table_is_what_the_api_server_does() -> Result<()> {
    let bench = Bench::without_controller().await?;
    let table = Table::on(&bench).await?;
    let path = programs::repository().join(TABLE);
    let found = table.run(false).await?;
    if std::env::var_os("JIT_ACCESS_WRITE_TABLE").is_some() {
        std::fs::write(&path, &found)?;
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = |(a, b): &(&str, &str)| a != b;
    if let Some((wanted, found)) = wanted.lines().zip(found.lines()).find(differs) {
        anyhow::bail!(
            "{TABLE} says\n{wanted}\nand the API server\n{found}\nrun this test with JIT_ACCESS_WRITE_TABLE=1 to write the file anew, and read what changed"
        );
    }
    assert_eq!(
        wanted.lines().count(),
        found.lines().count(),
        "{TABLE} is longer or shorter"
    );
    // Who comes by impersonation is told the same.
    assert_eq!(table.run(true).await?, found);
    Ok(())
}

#[tokio::test]
async fn the_oldest_supported_version_does_the_same() -> Result<()> {
    let bench = Bench::start(Setup {
        no_controller: true,
        control_plane: Options {
            emulated_version: Some("1.34".to_owned()),
            ..Options::default()
        },
        ..Setup::default()
    })
    .await?;
    let found = Table::on(&bench).await?.run(false).await?;
    let wanted = std::fs::read_to_string(programs::repository().join(TABLE))?;
    assert_eq!(found, wanted);
    Ok(())
}
