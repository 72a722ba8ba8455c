import type { CommandEntry, CommandTable } from "./command.ts";
import { HOST_COMMANDS } from "./table-host.ts";

/**
 * The commands. Help, completion and the check of the documents are made from this table; the arguments of a command and
 * the commands of a group stand in the file that is loaded when it is named.
 */
export const COMMANDS: CommandTable = {
  ...inGroup("Set up", {
    init: {
      description: "Writes a commented afk.yaml after a few questions",
      examples: [
        "afk init",
        "afk init --example brief",
        "afk init --yes",
        "afk init --config ./my-agent/afk.yaml",
      ],
      load: () => import("./commands/init.ts"),
    },
    doctor: {
      description: "Checks configuration, state, money, models, alerts and host, and says how to mend each",
      examples: [
        "afk doctor",
        "afk doctor --offline",
        "afk doctor --json | jq '.checks[] | select(.result == \"bad\")'",
      ],
      load: () => import("./commands/doctor.ts"),
    },
    completion: {
      description: "Prints a script that completes afk's commands in bash, zsh or fish",
      examples: [
        "source <(afk completion bash)    # in ~/.bashrc",
        "source <(afk completion zsh)     # in ~/.zshrc, after compinit",
        "afk completion fish > ~/.config/fish/completions/afk.fish",
      ],
      load: () => import("./commands/completion.ts"),
    },
  }),
  ...inGroup("Work", {
    tick: {
      description: "One bounded pass: recover, schedule, drain, report, exit",
      examples: ["afk tick", "afk tick --now digest", "DAILY_CAP_USD=0 afk tick"],
      load: () => import("./commands/tick.ts"),
    },
    run: {
      description: "Ticks on schedule and reacts to new work until it is stopped",
      details:
        "With gateway.listen in afk.yaml it serves the gateway too, and then stays up to refuse while the kill switch is set.",
      examples: ["afk run", "TICK_SECONDS=300 afk run"],
      load: () => import("./commands/run.ts"),
    },
    ask: {
      description: "One guarded completion for shell scripts: prints the text alone",
      details:
        "The exit code is 0 with a text alone; 75 when the kill switch or a cap refused it (--json says which), 69 when no model could answer. The call counts in the agent's windows.",
      examples: [
        'afk ask "Name three harbours."',
        'git diff | afk ask --system "Write a commit message for this."',
        "afk ask --model anthropic/claude-haiku-4-5 --json TEXT | jq -r .costUsd",
      ],
      load: () => import("./commands/ask.ts"),
    },
    gateway: {
      description: "Serves models to other programs, behind the same gates, until it is told to end",
      details:
        "A set kill switch does not end it: it refuses every request and says why, and serves again after afk resume.",
      examples: ["afk gateway", "afk gateway --listen 127.0.0.1:8080"],
      load: () => import("./commands/gateway.ts"),
    },
    remote: {
      description: "Reads what the phone sends, also while nothing works, until it is told to end",
      details:
        "afk run does so by itself, and a tick while it lasts. This is for beside them: it answers while the kill switch is set, which nothing but afk resume clears.",
      examples: ["afk remote"],
      load: () => import("./commands/remote.ts"),
    },
    enqueue: {
      description: "Adds a job of afk.yaml; the same key twice is once",
      examples: ["afk enqueue digest", 'afk enqueue digest --key monday --payload \'{"note": "by hand"}\''],
      load: () => import("./commands/enqueue.ts"),
    },
    pause: {
      description: "Puts a job off until it is unpaused; what runs goes on to its end",
      examples: ["afk pause digest", 'afk pause digest --reason "the feed is being moved"'],
      load: () => import("./commands/pause.ts"),
    },
    unpause: {
      description: "Ends the pause of a job; one that afk.yaml pauses is unpaused there",
      examples: ["afk unpause digest"],
      load: () => import("./commands/unpause.ts"),
    },
    deliver: {
      description: "Sends the last result of a job again, at once, and shows what each receiver answered",
      details: "A set kill switch holds no result back: nothing is run for it, and it is said.",
      examples: ["afk deliver digest", "afk deliver digest --to phone"],
      load: () => import("./commands/deliver.ts"),
    },
  }),
  ...inGroup("Safety", {
    stop: {
      description: "Sets the kill switch, which survives restart and reboot",
      details: "Waits up to 5 s for the worker to be gone; the exit code is 75 when it is not.",
      examples: ["afk stop", 'afk stop --reason "the bill looks odd"'],
      load: () => import("./commands/stop.ts"),
    },
    resume: {
      description: "Clears the kill switch (STOP file too) and refused models",
      details: "It also takes the wall clock for right, where that is not behind an earlier reading.",
      examples: ["afk resume", "afk resume --clock"],
      load: () => import("./commands/resume.ts"),
    },
    watchdog: {
      description:
        "Alerts when the worker is gone, ticks are late, or work gives no output; its own timer runs it",
      details: "The exit code is 1 when something is wrong.",
      examples: ["afk watchdog", "afk watchdog --json"],
      load: () => import("./commands/watchdog.ts"),
    },
    alert: {
      description: "Tries the channels (test), or sends the alert of a failed unit (unit)",
      load: () => import("./commands/alert.ts"),
    },
    drill: {
      description: "Fires the safeties on purpose and writes the evidence",
      details: "The drills work on scratch agents with this configuration's limits.",
      examples: ["afk drill", "afk drill cap stop-process", "afk drill --no-send", "afk drill --list"],
      load: () => import("./commands/drill.ts"),
    },
    simulate: {
      description:
        "Runs this configuration through days of trouble in seconds; nothing is sent, run or spent",
      details: "It works in memory: no state is read or changed.",
      examples: [
        "afk simulate",
        "afk simulate --days 30 --faults none",
        "afk simulate --seed 7 --faults models,kills",
      ],
      load: () => import("./commands/simulate.ts"),
    },
    demo: {
      description: "Shows in 30 seconds a runaway agent that meets the cap and the STOP file",
      details:
        "The model is a server on this machine with a bill of its own. It needs no model, no key and no afk.yaml, and leaves nothing behind. The exit code is 1 when the bill passed the cap.",
      examples: ["afk demo", "afk demo --json"],
      load: () => import("./commands/demo.ts"),
    },
    rate: {
      description: "Says what you think of an item of a digest: up or down",
      details:
        "Where a digest has interests, sources of items rated up come higher, and those rated down lower; a vote counts half after 30 days.",
      examples: ["afk rate k7f3qd up", "afk rate k7f3qd down"],
      load: () => import("./commands/rate.ts"),
    },
    drafts: {
      description:
        "Irreversible actions that are done only after a person approves: list, show, approve, reject",
      load: () => import("./commands/drafts.ts"),
    },
    questions: {
      description: "Runs that ask to go on past a cap of their job: list, yes, no",
      load: () => import("./commands/questions.ts"),
    },
    key: {
      description: "Keys of the gateway's clients: make, list, revoke",
      load: () => import("./commands/key.ts"),
    },
    clock: {
      description: "The count of days in a row that the agent ran unattended: start, status, stop",
      load: () => import("./commands/clock.ts"),
    },
  }),
  ...inGroup("Look", {
    status: {
      description: "One glance: kill switch, spend against caps, breakers, queue, dead letters, ticks",
      examples: ["afk status", "afk status --watch", "afk status --json | jq .spend"],
      load: () => import("./commands/status.ts"),
    },
    health: {
      description: "Exit code 0 if fit to work; the container's healthcheck",
      examples: ["afk health"],
      load: () => import("./commands/health.ts"),
    },
    machines: {
      description: "The fleet: who takes part, what each machine runs, and when it last saw the kill switch",
      details: "In PostgreSQL alone (DATABASE_URL); otherwise it says that there is one machine.",
      examples: [
        "afk machines",
        "afk machines --json | jq -r '.machines[] | select(.lease.state == \"lost\").name'",
      ],
      load: () => import("./commands/machines.ts"),
    },
    jobs: {
      description: "The queue: list, show",
      load: () => import("./commands/jobs.ts"),
    },
    dead: {
      description: "Jobs that used all their attempts and wait for a person: list, show, retry, drop",
      load: () => import("./commands/dead.ts"),
    },
    incidents: {
      description: "What broke, its trace, its cause and its fix: list, show, close",
      load: () => import("./commands/incidents.ts"),
    },
    ledger: {
      description: "What every call cost, and what is unknown: list, reconcile",
      load: () => import("./commands/ledger.ts"),
    },
    report: {
      description: "What it did and what it was worth: dollars in, value out, by week, model and job",
      examples: [
        "afk report",
        "afk report --since 2026-11-01 --compare anthropic/claude-haiku-4-5",
        "afk report --format html --output report.html",
        "afk report --retrospective",
      ],
      load: () => import("./commands/report.ts"),
    },
    logs: {
      description: "The trace of anything",
      examples: [
        "afk logs --tick last",
        "afk logs -f --level warn",
        "afk logs --event cap_hit,breaker_open --since 2d",
        'afk logs --since "2026-11-21 06:00" --until "2026-11-21 07:00"',
        "afk logs --job KEY -n 50",
        "afk logs --json | jq .event",
      ],
      load: () => import("./commands/logs.ts"),
    },
    dashboard: {
      description: "Serves the read-only page until interrupted; afk run serves it too",
      examples: ["afk dashboard", "afk dashboard --port 8080"],
      load: () => import("./commands/dashboard.ts"),
    },
  }),
  ...inGroup("Host", HOST_COMMANDS),
};

function inGroup(
  group: string,
  commands: Readonly<Record<string, Omit<CommandEntry, "group">>>,
): CommandTable {
  return Object.fromEntries(Object.entries(commands).map(([name, entry]) => [name, { group, ...entry }]));
}
