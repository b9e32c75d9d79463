//! A real etcd and kube-apiserver, and the controller-manager where a test needs it, on free ports.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;

use crate::certificates::{Authority, token_keys};
use crate::eventually::eventually;
use crate::folder::Folder;
use crate::kubeconfig::{self, Identity};
use crate::process::{Process, Start};
use crate::{ports, programs};

/// What a control plane is like.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// With the controller-manager: garbage collection, deletion of namespaces, service accounts.
    pub controller_manager: bool,
    /// Behaves as this older version, for example `1.34`.
    pub emulated_version: Option<String>,
    /// Further flags of kube-apiserver.
    pub api_server_arguments: Vec<String>,
}

/// A running control plane with RBAC. Everything of it ends and goes with the value.
#[derive(Debug)]
pub struct ControlPlane {
    // Fields are dropped in this order: whoever uses etcd before etcd, the files last.
    controller_manager: Option<Process>,
    api_server: Process,
    etcd: Process,
    starts: Starts,
    authority: Authority,
    url: String,
    folder: Folder,
}

/// How each server is started again.
#[derive(Debug)]
struct Starts {
    api_server: Start,
    etcd: Start,
}

impl ControlPlane {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    /// With the end of the log of what did not become ready.
    pub async fn start(options: Options) -> Result<Self> {
        let folder = Folder::new()?;
        let authority = Authority::new()?;
        let etcd_port = ports::free()?;
        let api_port = ports::free()?;
        let url = format!("https://127.0.0.1:{api_port}");
        let starts = Starts {
            etcd: server(&folder, "etcd", etcd_arguments(&folder, etcd_port))?,
            api_server: server(
                &folder,
                "kube-apiserver",
                api_server_arguments(&folder, &authority, api_port, etcd_port, &options)?,
            )?,
        };
        let mut this = Self {
            controller_manager: None,
            // It waits for etcd by itself.
            etcd: Process::start(&starts.etcd)?,
            api_server: Process::start(&starts.api_server)?,
            starts,
            authority,
            url,
            folder,
        };
        this.wait_until_ready().await?;
        if options.controller_manager {
            this.start_controller_manager().await?;
        }
        Ok(this)
    }

    /// Where the API server listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The PEM certificate that the API server's certificate is signed by.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.certificate()
    }

    /// The folder with its files and logs; others may put theirs there.
    #[must_use]
    pub const fn folder(&self) -> &Folder {
        &self.folder
    }

    /// A client certificate for a user, perhaps in a group.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn identity(&self, user: &str, group: Option<&str>) -> Result<Identity> {
        Ok(Identity::Certificate(self.authority.client(user, group)?))
    }

    /// The text of a kubeconfig with which requests are made as this identity.
    #[must_use]
    pub fn kubeconfig_text(&self, identity: Identity) -> String {
        kubeconfig::text(
            &self.url,
            Some(self.authority()),
            "default",
            &[("user", identity)],
        )
    }

    /// A kubeconfig file of a user who is known by a client certificate.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn kubeconfig_for(&self, user: &str, group: Option<&str>) -> Result<PathBuf> {
        let text = self.kubeconfig_text(self.identity(user, group)?);
        let name = format!("{}.kubeconfig", user.replace(['/', ':'], "-"));
        self.folder.write(&name, &text)
    }

    /// The kubeconfig file of a cluster administrator.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn admin_kubeconfig(&self) -> Result<PathBuf> {
        self.kubeconfig_for("admin", Some("system:masters"))
    }

    /// A client of a user. It belongs to the runtime of the calling test.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub async fn client_as(&self, user: &str, group: Option<&str>) -> Result<kube::Client> {
        kubeconfig::client(&self.kubeconfig_text(self.identity(user, group)?)).await
    }

    /// A client of a cluster administrator. It belongs to the runtime of the calling test.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub async fn admin(&self) -> Result<kube::Client> {
        self.client_as("admin", Some("system:masters")).await
    }

    /// Makes a service account, if it is not there, and a token of it for a day.
    ///
    /// # Errors
    /// When the namespace is missing, or the API server refuses.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Result<Identity> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.admin().await?, namespace);
        if accounts.get_opt(name).await?.is_none() {
            let mut account = ServiceAccount::default();
            account.metadata.name = Some(name.to_owned());
            accounts.create(&PostParams::default(), &account).await?;
        }
        let wanted = TokenRequest {
            spec: TokenRequestSpec {
                expiration_seconds: Some(24 * 60 * 60),
                ..TokenRequestSpec::default()
            },
            ..TokenRequest::default()
        };
        let made = accounts
            .create_token_request(name, &PostParams::default(), &wanted)
            .await?;
        let status = made.status.context("the token request was not answered")?;
        Ok(Identity::Token(status.token))
    }

    /// Ends the API server at once, as if its machine had failed.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn stop_api_server(&mut self) -> Result<()> {
        self.api_server.kill_hard()
    }

    /// Starts the API server again, on the same port and data, and waits until it is ready.
    ///
    /// # Errors
    /// With the end of its log when it does not become ready.
    pub async fn start_api_server(&mut self) -> Result<()> {
        self.api_server = Process::start(&self.starts.api_server)?;
        self.wait_until_ready().await
    }

    /// Ends etcd at once; the API server stays and refuses what it needs it for.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn stop_etcd(&mut self) -> Result<()> {
        self.etcd.kill_hard()
    }

    /// Starts etcd again on the same data, and waits until the API server is ready.
    ///
    /// # Errors
    /// With the end of the API server's log when it does not become ready.
    pub async fn start_etcd(&mut self) -> Result<()> {
        self.etcd = Process::start(&self.starts.etcd)?;
        self.wait_until_ready().await
    }

    /// The API server's process, to pause or measure it.
    pub const fn api_server(&mut self) -> &mut Process {
        &mut self.api_server
    }

    /// The process ids of all servers.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        let mut pids = vec![self.etcd.pid(), self.api_server.pid()];
        pids.extend(self.controller_manager.as_ref().map(Process::pid));
        pids
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let client = self.admin().await?;
        let waited = eventually(Duration::from_secs(60), async || {
            if !self.etcd.is_running() {
                bail!("etcd ended\n{}", self.etcd.tail(20));
            }
            if !self.api_server.is_running() {
                bail!("kube-apiserver ended");
            }
            let question = http::Request::get("/readyz").body(Vec::new())?;
            Ok(client.request_text(question).await.ok())
        })
        .await;
        waited.with_context(|| {
            format!("kube-apiserver is not ready\n{}", self.api_server.tail(20))
        })?;
        Ok(())
    }

    async fn start_controller_manager(&mut self) -> Result<()> {
        let text = self.kubeconfig_text(self.identity("system:kube-controller-manager", None)?);
        let config = self.folder.write("controller-manager.kubeconfig", &text)?;
        let arguments = controller_manager_arguments(&self.folder, &config)?;
        let start = server(&self.folder, "kube-controller-manager", arguments)?;
        let mut process = Process::start(&start)?;
        let accounts: Api<ServiceAccount> = Api::namespaced(self.admin().await?, "default");
        // The first visible work of it.
        let waited = eventually(Duration::from_secs(60), async || {
            if !process.is_running() {
                bail!("it ended");
            }
            Ok(accounts.get_opt("default").await?)
        })
        .await;
        waited.with_context(|| {
            format!("kube-controller-manager is not ready\n{}", process.tail(20))
        })?;
        self.controller_manager = Some(process);
        Ok(())
    }
}

fn server(folder: &Folder, name: &str, arguments: Vec<String>) -> Result<Start> {
    Ok(Start {
        name: name.to_owned(),
        program: programs::control_plane()?.join(name),
        arguments,
        environment: Vec::new(),
        logs: folder.path().to_path_buf(),
    })
}

fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

fn etcd_arguments(folder: &Folder, port: u16) -> Vec<String> {
    let url = format!("http://127.0.0.1:{port}");
    vec![
        flag("data-dir", folder.path().join("etcd").display()),
        flag("listen-client-urls", &url),
        flag("advertise-client-urls", &url),
        flag("listen-peer-urls", "http://127.0.0.1:0"),
        // The data is thrown away with the test.
        "--unsafe-no-fsync".to_owned(),
        flag("log-level", "warn"),
    ]
}

fn api_server_arguments(
    folder: &Folder,
    authority: &Authority,
    port: u16,
    etcd_port: u16,
    options: &Options,
) -> Result<Vec<String>> {
    let ca = folder.write("ca.crt", authority.certificate())?;
    let serving = authority.server(&["127.0.0.1", "localhost", "kubernetes.default.svc"])?;
    let (private, public) = token_keys()?;
    let file = |name, text: &str| {
        folder
            .write(name, text)
            .map(|path| path.display().to_string())
    };
    let token_key = file("token.key", &private)?;
    let mut arguments = vec![
        flag("etcd-servers", format!("http://127.0.0.1:{etcd_port}")),
        flag("bind-address", "127.0.0.1"),
        flag("advertise-address", "127.0.0.1"),
        flag("secure-port", port),
        flag("tls-cert-file", file("api.crt", &serving.certificate)?),
        flag("tls-private-key-file", file("api.key", &serving.key)?),
        flag("client-ca-file", ca.display()),
        // Without it the controller-manager complains every few seconds.
        flag("requestheader-client-ca-file", ca.display()),
        flag("requestheader-allowed-names", "front-proxy"),
        flag("requestheader-username-headers", "X-Remote-User"),
        flag("requestheader-group-headers", "X-Remote-Group"),
        flag("requestheader-extra-headers-prefix", "X-Remote-Extra-"),
        flag("authorization-mode", "RBAC"),
        flag("service-account-issuer", "https://kubernetes.default.svc"),
        flag("service-account-signing-key-file", token_key),
        flag("service-account-key-file", file("token.pub", &public)?),
        flag("service-cluster-ip-range", "10.0.0.0/24"),
        // Nothing routes to the address that would be published.
        flag("endpoint-reconciler-type", "none"),
    ];
    if let Some(version) = &options.emulated_version {
        arguments.push(flag("emulated-version", format!("kube={version}")));
    }
    arguments.extend(options.api_server_arguments.iter().cloned());
    Ok(arguments)
}

fn controller_manager_arguments(folder: &Folder, config: &std::path::Path) -> Result<Vec<String>> {
    let port = ports::free()?;
    let file = |name| folder.path().join(name).display().to_string();
    let config = config.display();
    Ok(vec![
        flag("kubeconfig", &config),
        flag("authentication-kubeconfig", &config),
        flag("authorization-kubeconfig", &config),
        flag("bind-address", "127.0.0.1"),
        flag("secure-port", port),
        "--use-service-account-credentials".to_owned(),
        flag("root-ca-file", file("ca.crt")),
        flag("service-account-private-key-file", file("token.key")),
        flag("leader-elect", "false"),
        // Throttled to its defaults it needs five seconds to start.
        flag("kube-api-qps", 500),
        flag("kube-api-burst", 1000),
    ])
}
