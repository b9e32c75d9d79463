//! Everything at once: control plane, simulated Google Cloud, controller.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::api_proxy::ApiProxy;
use crate::control_plane::{ControlPlane, Options};
use crate::kubectl::Kubectl;
use crate::server::{self, Server};
use crate::simulator::Simulator;
use crate::{controller, install, programs};

/// The organization that every bench has, and that its controller covers.
pub const ORGANIZATION: &str = "organizations/1";

/// The flags of a controller in tests, before those of the test: all of the organization, and access so
/// short that its end can be waited for.
const FLAGS: [&str; 7] = [
    "--log-format=text",
    "--scope=organizations/1",
    "--min-duration=1s",
    // No round comes in between where calls of Google are counted; tests of rounds set their own.
    "--round-interval=24h",
    "--search-interval=240h",
    // Tests of one person's many requests set their own.
    "--max-hourly=1000",
    // There is one API server, and it was seen to have loaded the policy.
    "--guard-margin=1s",
];

/// What a bench of one's own has.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The control plane.
    pub control_plane: Options,
    /// Further flags of the controller; one named again replaces that of all tests.
    pub controller_flags: Vec<String>,
    /// The controller speaks to the API server through an [`ApiProxy`].
    pub api_proxy: bool,
    /// No controller is started; see [`Bench::start_controller`].
    pub no_controller: bool,
}

impl Setup {
    /// With further flags of the controller.
    #[must_use]
    pub fn with_flags(flags: &[&str]) -> Self {
        Self {
            controller_flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            ..Self::default()
        }
    }
}

/// A running bench. All of it ends with the value.
#[derive(Debug)]
pub struct Bench {
    // Fields are dropped in this order: the controller before what it works with.
    controller: Option<Server>,
    /// The proxy, where the setup asked for one.
    api_proxy: Option<ApiProxy>,
    /// The simulated Google Cloud.
    pub simulator: Simulator,
    /// API server and etcd.
    pub control_plane: ControlPlane,
    controller_flags: Vec<String>,
}

impl Bench {
    /// The bench that all tests of this process share, started by the first of them. It has the
    /// controller-manager where that is available. Tests keep to a [`crate::case::Case`] of their own on
    /// it, set no clock and no latency, and only faults on their own resources.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Bench> = OnceCell::const_new();
        SHARED
            .get_or_try_init(|| async {
                let manager = programs::control_plane()?.join("kube-controller-manager");
                Self::start(Setup {
                    control_plane: Options {
                        controller_manager: manager.exists(),
                        ..Options::default()
                    },
                    ..Setup::default()
                })
                .await
            })
            .await
    }

    /// The bench that those tests share whose controller looks after running access every second and
    /// keeps finished requests for six seconds only. Tests keep to the same rules as on the other one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn watchful() -> Result<&'static Self> {
        static WATCHFUL: OnceCell<Bench> = OnceCell::const_new();
        WATCHFUL
            .get_or_try_init(|| {
                Self::start(Setup::with_flags(&[
                    "--round-interval=1s",
                    "--retention=6s",
                ]))
            })
            .await
    }

    /// A bench of one's own whose controllers the test starts, once all is there that they shall find.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn without_controller() -> Result<Self> {
        Self::start(Setup {
            no_controller: true,
            ..Setup::default()
        })
        .await
    }

    /// A bench of one's own whose controller speaks through an [`ApiProxy`], and looks after running
    /// access every two seconds.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn with_proxy() -> Result<Self> {
        Self::start(Setup {
            api_proxy: true,
            ..Setup::with_flags(&["--round-interval=2s"])
        })
        .await
    }

    /// Starts a bench of one's own.
    ///
    /// # Errors
    /// When a part does not become ready, with the end of its log.
    pub async fn start(setup: Setup) -> Result<Self> {
        let control_plane = ControlPlane::start(setup.control_plane).await?;
        let simulator = Simulator::start(control_plane.folder(), None).await?;
        simulator
            .add(&json!({"organizations": [{"id": "1", "displayName": "example.com"}]}))
            .await?;
        install::install(&control_plane).await?;
        let mut this = Self {
            controller: None,
            api_proxy: None,
            simulator,
            control_plane,
            controller_flags: setup.controller_flags,
        };
        if setup.api_proxy {
            let identity = install::controller_identity(&this.control_plane).await?;
            let direct = this.control_plane.kubeconfig_text(identity);
            this.api_proxy = Some(ApiProxy::start(&direct).await?);
        }
        if !setup.no_controller {
            this.controller = Some(this.start_controller(&[]).await?);
        }
        Ok(this)
    }

    /// The controller that was started with the bench.
    ///
    /// # Errors
    /// When the setup asked for none.
    pub fn controller(&self) -> Result<&Server> {
        self.controller
            .as_ref()
            .context("this bench was set up without a controller")
    }

    /// The controller that was started with the bench, to kill it or start it again.
    ///
    /// # Errors
    /// When the setup asked for none.
    pub fn controller_mut(&mut self) -> Result<&mut Server> {
        self.controller
            .as_mut()
            .context("this bench was set up without a controller")
    }

    /// The proxy.
    ///
    /// # Errors
    /// When the setup asked for none.
    pub fn api_proxy(&self) -> Result<&ApiProxy> {
        self.api_proxy
            .as_ref()
            .context("this bench was set up without a proxy")
    }

    /// Starts a controller, beside the one of the bench if there is one, with further flags.
    ///
    /// # Errors
    /// When it does not become ready, with the end of its log.
    pub async fn start_controller(&self, flags: &[&str]) -> Result<Server> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "jit-access-controller-{}",
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let kubeconfig = self.controller_kubeconfig(&name).await?;
        let own: Vec<String> = self
            .controller_flags
            .iter()
            .cloned()
            .chain(flags.iter().map(|flag| (*flag).to_owned()))
            .collect();
        let all = server::flags(&FLAGS, &own);
        let folder = self.control_plane.folder();
        controller::start(folder, &name, &kubeconfig, self.simulator.url(), &all).await
    }

    /// kubectl as a cluster administrator.
    ///
    /// # Errors
    /// When its kubeconfig cannot be written.
    pub fn admin_kubectl(&self, namespace: &str) -> Result<Kubectl> {
        Ok(Kubectl::new(
            &self.control_plane.admin_kubeconfig()?,
            namespace,
        ))
    }

    /// The end of the controller's log, for failure messages.
    #[must_use]
    pub fn controller_log(&self, lines: usize) -> String {
        self.controller
            .as_ref()
            .map_or_else(String::new, |controller| controller.process().tail(lines))
    }

    async fn controller_kubeconfig(&self, name: &str) -> Result<PathBuf> {
        let text = match &self.api_proxy {
            Some(proxy) => proxy.kubeconfig_text(install::NAMESPACE),
            None => {
                let identity = install::controller_identity(&self.control_plane).await?;
                self.control_plane.kubeconfig_text(identity)
            }
        };
        self.control_plane
            .folder()
            .write(&format!("{name}.kubeconfig"), &text)
    }
}
