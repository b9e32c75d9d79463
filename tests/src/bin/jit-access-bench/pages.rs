//! What a page of the web form takes, under load, with a large catalogue and with an empty one.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jit_access_tests::bench::Bench;
use jit_access_tests::eventually::eventually;
use jit_access_tests::folder::Folder;
use jit_access_tests::install;
use jit_access_tests::simulator::Simulator;
use jit_access_tests::webui::WebUi;
use serde_json::json;
use tokio::task::JoinSet;

use crate::catalogue::{PROJECTS, person_email, project_id, write_world};
use crate::report::Report;

/// Pages a second, and how many in a row.
const RATE: u32 = 200;
const PAGES: u32 = 1_000;
/// How often each of the two catalogues has its turn.
const ROUNDS: usize = 2;
const PEOPLE: usize = 20;
/// What one of a hundred pages may take longer than.
const LIMIT: Duration = Duration::from_millis(20);
/// How long reading a large catalogue from the simulator may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures the form with a chosen resource, the search, and two lists, each in turn. Both catalogues take turns too,
/// so that whatever else the machine does meets both.
pub async fn measure(report: &mut Report, bench: &Bench) -> Result<()> {
    report.heading(&format!(
        "web form: {RATE} pages a second, from arrival to the last byte, the web UI on one core"
    ));
    let folder = Folder::new()?;
    let world = folder.path().join("world.json");
    write_world(&world)?;
    let large = Simulator::start(&folder, Some(&world)).await?;
    let large = Site::start(bench, &folder, &large, PROJECTS).await?;
    let empty = Site::start(bench, &folder, &bench.simulator, 0).await?;
    let (mut of_large, mut of_empty) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_large.extend(large.load.all().await?);
        of_empty.extend(empty.load.all().await?);
    }
    let name = format!("a page with {PROJECTS} projects");
    report.percentiles(&name, &of_large, LIMIT);
    report.percentiles("the same with an empty catalogue", &of_empty, LIMIT);
    let failures = large.failures().await? + empty.failures().await?;
    report.at_most("answers that were failures", failures, 0.0, "");
    Ok(())
}

/// A web UI on one core, and people who look at its pages.
struct Site {
    webui: WebUi,
    load: Arc<Load>,
}

impl Site {
    /// Starts it, and waits until its catalogue has so many projects.
    async fn start(
        bench: &Bench,
        folder: &Folder,
        google: &Simulator,
        projects: usize,
    ) -> Result<Self> {
        let identity = install::webui_identity(&bench.control_plane).await?;
        let text = bench.control_plane.kubeconfig_text(identity);
        let kubeconfig = folder.write("webui.kubeconfig", &text)?;
        let flags = ["--scope=organizations/1", "--log-format=text"].map(str::to_owned);
        let program = format!("webui-{projects}");
        let namespace = install::REQUESTS;
        let webui = WebUi::start(
            folder,
            &program,
            &kubeconfig,
            google.url(),
            namespace,
            &flags,
        )
        .await?;
        let wanted = f64::from(u32::try_from(projects)?);
        eventually(PATIENCE, async || {
            let metrics = webui.server.metrics().await?;
            let read = metrics["jit_access_webui_catalogue_read_timestamp_seconds"] > 0.0;
            let found = metrics["jit_access_webui_catalogue_resources"] >= wanted;
            Ok((read && found).then_some(()))
        })
        .await
        .with_context(|| webui.server.process().tail(20))?;
        on_one_core(webui.server.process().pid())?;

        let mut assertions = Vec::new();
        for number in 0..PEOPLE {
            let email = person_email(number * 31);
            google.add(&json!({"users": [email]})).await.ok();
            assertions.push(google.assertion(&email, json!({})).await?);
        }
        let load = Load {
            client: reqwest::Client::builder().no_proxy().build()?,
            url: webui.url(),
            assertions,
        };
        // Every person's groups are looked up once; then they are known.
        for number in 0..PEOPLE {
            let page = load.page(u32::try_from(number)?).await?;
            let is_search = number % 4 == 1;
            ensure!(
                !is_search || page.contains("projects/prod-") == (projects > 0),
                "the search lists what there is: {page}"
            );
        }
        let load = Arc::new(load);
        Ok(Self { webui, load })
    }

    /// Of how many kinds it gave answers that were its own fault.
    async fn failures(&self) -> Result<f64> {
        let metrics = self.webui.server.metrics().await?;
        let failures = metrics
            .keys()
            .filter(|key| key.contains("status=\"5"))
            .count();
        Ok(f64::from(u32::try_from(failures)?))
    }
}

/// People who look at pages.
struct Load {
    client: reqwest::Client,
    url: String,
    assertions: Vec<String>,
}

impl Load {
    /// Each page is asked for at its own time, whether the ones before it are there or not.
    async fn all(self: &Arc<Self>) -> Result<Vec<Duration>> {
        let begun = Instant::now();
        let mut running = JoinSet::new();
        for number in 0..PAGES {
            let due = begun + Duration::from_secs(1) / RATE * number;
            tokio::time::sleep_until(due.into()).await;
            let load = Arc::clone(self);
            running.spawn(async move {
                load.page(number).await?;
                anyhow::Ok(due.elapsed())
            });
        }
        running.join_all().await.into_iter().collect()
    }

    async fn page(&self, number: u32) -> Result<String> {
        let index = usize::try_from(number)?;
        let project = project_id(index * 13);
        let path = match number % 4 {
            0 => format!("/?resource=projects/{project}"),
            1 => format!("/?q={}", &project[..7]),
            2 => "/requests".to_owned(),
            _ => "/history".to_owned(),
        };
        let assertion = &self.assertions[index % self.assertions.len()];
        let answer = self
            .client
            .get(format!("{}{path}", self.url))
            .header("x-goog-iap-jwt-assertion", assertion)
            .send()
            .await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        Ok(answer.text().await?)
    }
}

/// All threads of the program share one core, as in a pod that may use one.
fn on_one_core(pid: u32) -> Result<()> {
    let status = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", "0", &pid.to_string()])
        .stdout(std::process::Stdio::null())
        .status()
        .context("taskset (of util-linux) cannot be started")?;
    ensure!(status.success(), "taskset: {status}");
    Ok(())
}
