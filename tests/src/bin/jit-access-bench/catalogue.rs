//! What the web form's catalogue costs in an organization of 10,000 projects: memory, calls, and time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;
use jit_access_core::eligibility::Person;
use jit_access_core::resource::ResourceName;
use jit_access_google::catalogue::{
    Catalogue, FoundPolicy, FoundResource, Groups, Snapshot, Titles,
};
use jit_access_google::{Google, Limits, Settings};
use jit_access_tests::bench::ORGANIZATION;
use jit_access_tests::folder::Folder;
use jit_access_tests::simulator::Simulator;
use serde_json::{Value, json};

use crate::report::Report;

const FOLDERS: usize = 100;
pub const PROJECTS: usize = 10_000;
/// On each project.
const BINDINGS: usize = 10;
const ROLES: usize = 50;
const PEOPLE: usize = 5_000;
const TEAMS: usize = 500;
/// Conditions that differ from each other.
const CONDITIONS: usize = 1_000;

/// Most resident memory of the whole process, in MB (1,000,000 bytes).
const MEMORY_LIMIT: f64 = 150.0;
/// Two searches of pages of 500, as many calls as roles, and 100 groups of two calls each. The organization is among
/// the resources, and has a policy.
const CALLS_LIMIT: f64 =
    ((PROJECTS + FOLDERS + 1).div_ceil(500) + (PROJECTS + 1).div_ceil(500) + ROLES + 200) as f64;
const QUESTIONS: usize = 2_000;
const TIME_LIMIT: Duration = Duration::from_millis(1);

/// Measures a refresh from a simulated Google Cloud and the questions of a form. This comes first of all, for the
/// memory is this process's own.
pub async fn measure(report: &mut Report) -> Result<()> {
    report.heading("catalogue: 10,000 projects with 100,000 eligible bindings");
    refresh(report).await?;
    questions(report, &in_process());
    Ok(())
}

/// Twice, so that the peak has the old one beside the new one.
async fn refresh(report: &mut Report) -> Result<()> {
    let folder = Folder::new()?;
    let world = folder.path().join("world.json");
    write_world(&world)?;
    let simulator = Simulator::start(&folder, Some(&world)).await?;
    let settings = Settings {
        endpoint: Some(simulator.url().to_owned()),
        // The simulator tokenises all policies anew for each page.
        limits: Limits {
            read_timeout: Duration::from_secs(60),
            ..Limits::default()
        },
        ..Settings::default()
    };
    let google = Google::connect(&settings).await?;
    let scope = ResourceName::parse(ORGANIZATION).map_err(anyhow::Error::msg)?;
    let catalogue = Catalogue::new(google, &scope);
    let before = status("VmRSS:")?;
    catalogue.refresh().await?;
    let (_, position) = simulator.calls_after(u64::MAX >> 1).await?;
    let calls = f64::from(u32::try_from(position)?);
    report.at_most("calls of the first refresh", calls, CALLS_LIMIT, "");
    let held = status("VmRSS:")?;
    report.shown(
        "resident memory that it adds, MB",
        held - before,
        MEMORY_LIMIT,
    );
    catalogue.refresh().await?;
    let name = "resident memory of the process, peak of two";
    report.at_most(name, status("VmHWM:")?, MEMORY_LIMIT, "MB");
    let (resources, bindings) = catalogue.current().size();
    let count = |number| u32::try_from(number).map(f64::from);
    report.at_least(
        "projects and folders found",
        count(resources)?,
        count(PROJECTS + FOLDERS + 1)?,
    );
    report.at_least(
        "eligible bindings found",
        count(bindings)?,
        count(PROJECTS * BINDINGS)?,
    );
    Ok(())
}

/// What a form asks, for people in ten teams and for one who may ask for something everywhere.
fn questions(report: &Report, snapshot: &Snapshot) {
    let now = Timestamp::now();
    let people: Vec<Person> = (0..100)
        .map(|number| {
            let teams = (0..10).map(|team| team_email(number * 7 + team * 41));
            Person::new(&person_email(number * 31), teams)
        })
        .collect();
    let everywhere = Person::new("everywhere@example.com", [""; 0]);
    let asked = |ask: &dyn Fn(usize)| -> Vec<Duration> {
        let one = |number| {
            let begun = Instant::now();
            ask(number);
            begun.elapsed()
        };
        (0..QUESTIONS).map(one).collect()
    };
    let texts = [
        "",
        "prod-1",
        "77",
        "team",
        "PROJECT 9",
        "prod",
        "no such thing",
    ];
    let of_people = asked(&|number| {
        let person = &people[number % people.len()];
        std::hint::black_box(snapshot.find(person, texts[number % texts.len()], 20));
    });
    report.percentiles("find", &of_people, TIME_LIMIT);
    let of_one = asked(&|number| {
        std::hint::black_box(snapshot.find(&everywhere, texts[number % texts.len()], 20));
    });
    report.percentiles("find, among all projects", &of_one, TIME_LIMIT);
    let looked_up = asked(&|number| {
        let person = &people[number % people.len()];
        let project = format!("projects/{}", project_id(number * 13));
        std::hint::black_box(snapshot.look_up(person, &project, now));
    });
    report.percentiles("look_up", &looked_up, TIME_LIMIT);
}

pub fn person_email(number: usize) -> String {
    format!("person-{}@example.com", number % PEOPLE)
}

fn team_email(number: usize) -> String {
    format!("team-{}@example.com", number % TEAMS)
}

pub fn project_id(number: usize) -> String {
    format!("prod-{:05}", number % PROJECTS)
}

fn folder_number(project: usize) -> usize {
    1_000 + project % FOLDERS
}

/// The eligible bindings of a project: half by self-approval, each for a person and a team.
fn bindings(project: usize) -> Vec<Value> {
    let binding = |number: usize| {
        let n = project * BINDINGS + number;
        let marker = if number.is_multiple_of(2) {
            "has({}.jitAccessConstraint)"
        } else {
            "has({}.multiPartyApprovalConstraint)"
        };
        let narrowing = match n % CONDITIONS {
            0 => String::new(),
            n => format!(" && resource.name.startsWith(\"projects/_/buckets/bucket-{n}\")"),
        };
        json!({
            "role": format!("roles/custom.role{}", n * 7 % ROLES),
            "members": [format!("user:{}", person_email(n)), format!("group:{}", team_email(n))],
            "condition": {
                "title": format!("Eligible for JIT access {}", n % CONDITIONS),
                "description": "Eligible for temporary access, see https://wiki.example.com/jit-access",
                "expression": format!("{marker}{narrowing}")
            }
        })
    };
    (0..BINDINGS).map(binding).collect()
}

fn bindings_of_all() -> [Value; 1] {
    [json!({
        "role": "roles/custom.role0",
        "members": ["user:everywhere@example.com"],
        "condition": {"title": "Eligible for JIT access", "expression": "has({}.jitAccessConstraint)"}
    })]
}

/// Built without a client.
fn in_process() -> Snapshot {
    let resource = |name: String, display_name: String, parent: &str| FoundResource {
        name,
        display_name,
        parent: Some(parent.to_owned()),
        ..FoundResource::default()
    };
    let folders = (0..FOLDERS).map(|n| {
        let number = folder_number(n);
        resource(
            format!("folders/{number}"),
            format!("Team {n}"),
            ORGANIZATION,
        )
    });
    let projects = (0..PROJECTS).map(|n| {
        let parent = format!("folders/{}", folder_number(n));
        let name = format!("projects/{}", project_id(n));
        resource(name, format!("Project {n}"), &parent)
    });
    let policy = |resource: String, bindings: &[Value]| FoundPolicy {
        resource,
        policy: serde_json::from_value(json!({"bindings": bindings})).unwrap_or_default(),
    };
    let policies = (0..PROJECTS).map(|n| {
        let name = format!("projects/{}", project_id(n));
        policy(name, &bindings(n))
    });
    let of_all = policy(ORGANIZATION.to_owned(), &bindings_of_all());
    Snapshot::new(
        folders.chain(projects).collect(),
        policies.chain([of_all]).collect(),
        Titles::new(),
        Groups::new(),
    )
}

/// The same for the simulator, a policy at a time, so that this process stays small.
pub fn write_world(path: &Path) -> Result<()> {
    let folders: Vec<Value> = (0..FOLDERS)
        .map(|n| {
            let number = folder_number(n).to_string();
            json!({"id": number, "parent": ORGANIZATION, "displayName": format!("Team {n}")})
        })
        .collect();
    let groups: BTreeMap<String, Vec<String>> = (0..TEAMS)
        .map(|team| {
            let members = (0..10).map(|n| format!("user:{}", person_email(team * 10 + n)));
            (team_email(team), members.collect())
        })
        .collect();
    let people: Vec<String> = (0..PEOPLE).map(person_email).collect();
    let organization = json!([{"id": "1", "displayName": "example.com"}]);
    let mut file = BufWriter::new(File::create(path)?);
    write!(
        file,
        "{{\"organizations\": {organization}, \"folders\": {}",
        json!(folders)
    )?;
    write!(
        file,
        ", \"users\": {}, \"groups\": {}",
        json!(people),
        json!(groups)
    )?;
    write!(file, ", \"projects\": [")?;
    for n in 0..PROJECTS {
        let parent = format!("folders/{}", folder_number(n));
        let project =
            json!({"id": project_id(n), "parent": parent, "displayName": format!("Project {n}")});
        write!(file, "{}{project}", if n == 0 { "" } else { ", " })?;
    }
    let of_all = json!({"version": 3, "bindings": bindings_of_all()});
    write!(file, "], \"policies\": {{\"{ORGANIZATION}\": {of_all}")?;
    for n in 0..PROJECTS {
        let policy = json!({"version": 3, "bindings": bindings(n)});
        write!(file, ", \"projects/{}\": {policy}", project_id(n))?;
    }
    write!(file, "}}}}")?;
    Ok(file.flush()?)
}

/// A figure about this process in MB.
fn status(name: &str) -> Result<f64> {
    let status =
        fs::read_to_string("/proc/self/status").context("this measures memory on Linux")?;
    let figure = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"))
        .with_context(|| format!("there is no {name}"))?;
    Ok(figure.parse::<f64>()? * 1.024 / 1_000.0)
}
