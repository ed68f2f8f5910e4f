//! Flags that enable and disable collectors.

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use crate::model::CollectorName;

/// A collector's name, the flags that enable and disable it, and what it collects.
const COLLECTORS: [(CollectorName, [&str; 2], &str); 6] = [
    (
        "workspaces",
        ["collector.workspaces", "no-collector.workspaces"],
        "the collector of workspaces: state, expiry, quota and usage",
    ),
    (
        "namespaces",
        ["collector.namespaces", "no-collector.namespaces"],
        "the collector of namespaces: state, quota and usage",
    ),
    ("queues", ["collector.queues", "no-collector.queues"], "the collector of queues: limits and usage"),
    (
        "session_clusters",
        ["collector.session_clusters", "no-collector.session_clusters"],
        "the collector of session clusters: state, size and users",
    ),
    (
        "engine_versions",
        ["collector.engine_versions", "no-collector.engine_versions"],
        "the collector of engine versions: support status",
    ),
    (
        "jobs",
        ["collector.jobs", "no-collector.jobs"],
        "the collector of jobs: failure reasons, restarts, usage",
    ),
];

/// `--collector.NAME` and `--no-collector.NAME` of each collector; the last one wins.
#[derive(Debug, Clone, Default)]
pub struct CollectorArgs(pub(super) Vec<(CollectorName, bool)>);

impl Args for CollectorArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        let flags = COLLECTORS.into_iter().flat_map(|(_, [on, off], what)| {
            let flag = |flag, other, help: String| {
                let flag = Arg::new(flag).long(flag).overrides_with(other).action(ArgAction::SetTrue);
                flag.help_heading("Collectors").help(help)
            };
            let enable = flag(on, off, format!("Enable {what}"));
            let disable = flag(off, on, format!("Disable {what}"));
            [enable, disable]
        });
        command.args(flags)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for CollectorArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = COLLECTORS.into_iter().filter_map(|(name, flags, _)| {
            let [enabled, disabled] = flags.map(|flag| matches.get_flag(flag));
            (enabled || disabled).then_some((name, enabled))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
