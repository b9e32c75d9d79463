//! The demo: everything on this machine, a first request that becomes access, and then whatever one likes
//! to try until Ctrl-C. `cargo xtask demo` builds what it needs and starts it.

mod cluster;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Parser;
use cluster::Cluster;
use jit_access_tests::folder::Folder;
use jit_access_tests::install::REQUESTS;
use jit_access_tests::server::Server;
use jit_access_tests::simulator::Simulator;
use jit_access_tests::webui::WebUi;
use jit_access_tests::{controller, install, programs};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

/// What is applied first, relative to the repository's root.
const FIRST: &str = "docs/examples/first-request.yaml";

/// Shows JIT Access on this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask demo", bin_name = "cargo xtask demo")]
struct Arguments {
    /// Ends after the first request, with status 0 if it became access.
    #[arg(long)]
    once: bool,
    /// Uses the cluster of this context of your kubeconfig instead of a control plane of its own.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Writes the addresses into this file, as JSON, once all is ready; the browser tests wait for it.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    demo(&arguments, stop).await
}

/// Whatever ends this, its values go in order, and the servers with them.
async fn demo(arguments: &Arguments, stop: impl Future<Output = ()>) -> Result<()> {
    let mut stop = std::pin::pin!(stop);
    let started = tokio::select! {
        started = Demo::start(arguments) => started?,
        () = &mut stop => return Ok(()),
    };
    if !arguments.once {
        started.explain()?;
        if let Some(file) = &arguments.ready_file {
            started.tell(file)?;
        }
        stop.await;
        println!("\nstopping");
    }
    started.cluster.leave().await
}

/// All that runs. Fields are dropped in this order: our programs before what they work with.
#[derive(Debug)]
struct Demo {
    controller: Server,
    webui: WebUi,
    simulator: Simulator,
    cluster: Cluster,
    _folder: Folder,
}

impl Demo {
    /// Starts everything, and shows the first request.
    async fn start(arguments: &Arguments) -> Result<Self> {
        let folder = Folder::new()?;
        let cluster = match &arguments.context {
            None => {
                println!("starting a control plane: etcd, kube-apiserver, kube-controller-manager");
                Cluster::of_its_own(&folder).await?
            }
            Some(context) => {
                println!("using the cluster of context {context}");
                Cluster::existing(&folder, context).await?
            }
        };
        println!("starting the simulated Google Cloud");
        let world = programs::repository().join("tests/google-cloud/worlds/demo.json");
        let simulator = Simulator::start(&folder, Some(&world)).await?;
        println!("installing the chart: the AccessRequest resource, the admission policy, roles");
        install::into(&cluster.admin).await?;
        println!("starting the controller");
        let (google, scope, format) = (
            simulator.url(),
            "--scope=organizations/1",
            "--log-format=text",
        );
        // There is one API server, and it was seen to have loaded the admission policy.
        // Whoever tries it out, or the browser tests do, asks more often than people.
        let flags = [scope, format, "--guard-margin=1s", "--max-hourly=1000"].map(str::to_owned);
        let name = install::ACCOUNT;
        let kubeconfig = cluster.kubeconfig_of(name, &folder).await?;
        let controller = controller::start(&folder, name, &kubeconfig, google, &flags).await?;
        println!("starting the web UI, and Identity-Aware Proxy before it");
        let flags = [scope, format].map(str::to_owned);
        let name = install::WEBUI;
        let kubeconfig = cluster.kubeconfig_of(name, &folder).await?;
        let webui = WebUi::start(&folder, name, &kubeconfig, google, REQUESTS, &flags).await?;
        simulator.put_behind_iap(&webui.url()).await?;
        let shown = first_request(&cluster, &simulator).await;
        shown.with_context(|| {
            let log = controller.process().tail(20);
            format!("the first request did not become access\n{log}")
        })?;
        Ok(Self {
            controller,
            webui,
            simulator,
            cluster,
            _folder: folder,
        })
    }

    /// What one can do now.
    fn explain(&self) -> Result<()> {
        let (people, google) = (
            self.cluster.people.kubeconfig().display(),
            self.simulator.url(),
        );
        heading("now it is your turn");
        println!(
            "web form                {}  (choose who you are: alice, bob, carol)",
            self.simulator.iap_url()
        );
        println!("kubeconfig              {people}");
        println!("its contexts            alice (current), bob, carol, admin");
        println!("simulated Google Cloud  {google}");
        println!(
            "the controller's log    {}",
            self.controller.process().log().display()
        );
        println!(
            "the web UI's log        {}",
            self.webui.server.process().log().display()
        );
        println!();
        println!("    export KUBECONFIG={people}");
        println!("    export GOOGLE={google}");
        println!(
            "    export PATH=$PATH:{}",
            programs::control_plane()?.display()
        );
        println!("    kubectl get areq");
        println!("    kubectl apply -f docs/examples/on-the-organization.yaml --context bob");
        println!("    kubectl apply -f docs/examples/for-a-peer.yaml");
        println!(
            "    kubectl describe areq for-a-peer --context bob   # says with what bob approves"
        );
        println!("    kubectl describe areq first-request");
        println!("    kubectl delete areq first-request");
        println!("    curl -s \"$GOOGLE/control/policy?resource=projects/web-prod\"");
        println!();
        println!("It runs until Ctrl-C.");
        Ok(())
    }

    /// Writes the addresses for whoever waits for them, in one step.
    fn tell(&self, file: &Path) -> Result<()> {
        let addresses = json!({
            "web": self.simulator.iap_url(),
            "webui": self.webui.url(),
            "google": self.simulator.url(),
            "kubeconfig": self.cluster.people.kubeconfig(),
            "logs": [self.controller.process().log(), self.webui.server.process().log()],
        });
        let part = file.with_extension("part");
        std::fs::write(&part, format!("{addresses:#}\n"))
            .and_then(|()| std::fs::rename(&part, file))
            .with_context(|| format!("{} cannot be written", file.display()))
    }
}

/// Applies the first request as alice, and shows what becomes of it.
async fn first_request(cluster: &Cluster, simulator: &Simulator) -> Result<()> {
    let file = programs::repository().join(FIRST);
    heading(&format!("alice asks: kubectl apply -f {FIRST}"));
    let manifest =
        std::fs::read_to_string(&file).with_context(|| format!("{FIRST} cannot be read"))?;
    print!("{manifest}");
    let apply = format!("--filename={}", file.display());
    let printed = cluster
        .people
        .run(&["--context=alice", "apply", &apply])
        .await?
        .success()?;
    let name = printed
        .split_whitespace()
        .next()
        .context("kubectl says what it made")?;

    heading(&format!("kubectl wait --for=condition=Granted {name}"));
    let wait = [
        "--context=alice",
        "wait",
        "--for=condition=Granted",
        "--timeout=30s",
        name,
    ];
    let waited = cluster.people.run(&wait).await?;
    if waited.code != 0 {
        let stored = cluster
            .people
            .run(&["--context=alice", "get", name, "-o", "yaml"])
            .await?;
        bail!("{}\n{}", waited.stderr, stored.stdout);
    }
    print!("{}", waited.stdout);

    heading("kubectl get accessrequests");
    print!(
        "{}",
        cluster
            .people
            .run(&["--context=alice", "get", "accessrequests"])
            .await?
            .success()?
    );

    let stored = cluster
        .people
        .run(&["--context=alice", "get", name, "-o", "json"])
        .await?
        .success()?;
    let stored: Value = serde_json::from_str(&stored)?;
    let (spec, grant) = (&stored["spec"], &stored["status"]["grant"]);
    let resource = spec["resource"]
        .as_str()
        .context("the request has a resource")?;
    heading(&format!(
        "the binding that it caused in the policy of {resource}"
    ));
    let policy = simulator.policy(resource).await?;
    let title = format!(
        "jit-access {}",
        stored["metadata"]["uid"].as_str().unwrap_or_default()
    );
    let binding = policy["bindings"]
        .as_array()
        .and_then(|bindings| {
            bindings
                .iter()
                .find(|binding| binding["condition"]["title"] == *title)
        })
        .with_context(|| format!("the policy has no binding with the title {title}"))?;
    println!("{binding:#}");

    heading("what the simulated Google Cloud answers");
    let question = |time: Option<&Value>| {
        let mut question = json!({
            "principal": spec["requester"], "resource": resource, "role": spec["roles"][0],
        });
        if let Some(time) = time {
            question["time"] = time.clone();
        }
        question
    };
    let who = format!(
        "{} has {}",
        text(&spec["requester"]),
        text(&spec["roles"][0])
    );
    let (now, end) = (question(None), question(Some(&grant["expireTime"])));
    let now = simulator.check(&now).await?["granted"] == true;
    let end = simulator.check(&end).await?["granted"] == true;
    println!("{who} now: {}", yes_or_no(now));
    println!(
        "{who} at {}: {}",
        text(&grant["expireTime"]),
        yes_or_no(end)
    );
    anyhow::ensure!(now && !end, "Google does not give the access as it should");
    Ok(())
}

fn heading(text: &str) {
    println!("\n=== {text} ===");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

const fn yes_or_no(answer: bool) -> &'static str {
    if answer { "yes" } else { "no" }
}
