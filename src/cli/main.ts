#!/usr/bin/env node
import type { CommandTable } from "./command.ts";

/** The oldest Node that the packages below run on; package.json says the same. */
const NODE_OLDEST = [22, 22] as const;

const COMMANDS: CommandTable = {
  init: {
    group: "Set up",
    description: "Writes a commented afk.yaml after a few questions",
    load: () => import("./commands/init.ts"),
  },
  doctor: {
    group: "Set up",
    description: "Checks configuration, state, model, disk and clock, and says how to mend each",
    load: () => import("./commands/doctor.ts"),
  },
  tick: {
    group: "Work",
    description: "One bounded pass: recover, schedule, drain, report, exit",
    load: () => import("./commands/tick.ts"),
  },
  run: {
    group: "Work",
    description: "Ticks on schedule and reacts to new work until it is stopped",
    load: () => import("./commands/run.ts"),
  },
  enqueue: {
    group: "Work",
    description: "Adds a job; the same key twice is once",
    load: () => import("./commands/enqueue.ts"),
  },
  stop: {
    group: "Safety",
    description: "Sets the kill switch; it survives restart and reboot",
    load: () => import("./commands/stop.ts"),
  },
  resume: {
    group: "Safety",
    description: "Clears the kill switch and removes the STOP file",
    load: () => import("./commands/resume.ts"),
  },
  watchdog: {
    group: "Safety",
    description: "Alerts when the heartbeat is late or ticks give no output; its own timer runs it",
    load: () => import("./commands/watchdog.ts"),
  },
  alert: {
    group: "Safety",
    description: "A real message through every channel (test), or word of a failed unit (unit)",
    load: () => import("./commands/alert.ts"),
  },
  drill: {
    group: "Safety",
    description: "Fires the safeties on purpose and writes the evidence",
    load: () => import("./commands/drill.ts"),
  },
  simulate: {
    group: "Safety",
    description: "Runs this configuration through days of trouble in seconds; nothing is sent, run or spent",
    load: () => import("./commands/simulate.ts"),
  },
  drafts: {
    group: "Safety",
    description: "Irreversible actions waiting for a person: list, show, approve, reject",
    load: () => import("./commands/drafts.ts"),
  },
  clock: {
    group: "Safety",
    description: "The count of days in a row that the agent ran unattended: start, status, stop",
    load: () => import("./commands/clock.ts"),
  },
  status: {
    group: "Look",
    description: "One glance: kill switch, spend against caps, breakers, queue, ticks",
    load: () => import("./commands/status.ts"),
  },
  jobs: {
    group: "Look",
    description: "The queue",
    load: () => import("./commands/jobs.ts"),
  },
  dead: {
    group: "Look",
    description: "Jobs that used all their attempts: list, show, retry, drop",
    load: () => import("./commands/dead.ts"),
  },
  incidents: {
    group: "Look",
    description: "What broke, its trace, its cause and its fix: list, show, close",
    load: () => import("./commands/incidents.ts"),
  },
  ledger: {
    group: "Look",
    description: "What every call cost, and what is unknown",
    load: () => import("./commands/ledger.ts"),
  },
  report: {
    group: "Look",
    description: "What it did and what it was worth: dollars in, value out, by week, model and job",
    load: () => import("./commands/report.ts"),
  },
  logs: {
    group: "Look",
    description: "The trace of anything",
    load: () => import("./commands/logs.ts"),
  },
  dashboard: {
    group: "Look",
    description: "Serves the read-only page; afk run serves it too",
    load: () => import("./commands/dashboard.ts"),
  },
  backup: {
    group: "Host",
    description: "A consistent, verified copy of the state while a worker runs",
    load: () => import("./commands/backup.ts"),
  },
  restore: {
    group: "Host",
    description: "Puts a backup in the place of the state, and leaves the agent stopped",
    load: () => import("./commands/restore.ts"),
  },
  adopt: {
    group: "Host",
    description: "Gives a state that belongs to another name to this agent: for one that was renamed",
    load: () => import("./commands/adopt.ts"),
  },
  release: {
    group: "Host",
    description: "Checks, renders the schedule (systemd, cron, launchd), and records what is different",
    load: () => import("./commands/release.ts"),
  },
  health: {
    group: "Look",
    description: "Exit code 0 if fit to work; the container's healthcheck",
    load: () => import("./commands/health.ts"),
  },
  completion: {
    group: "Set up",
    description: "Completes commands in bash, zsh and fish",
    load: () => import("./commands/completion.ts"),
  },
};

// Without a listener SIGUSR1 opens Node's inspector on loopback, through which any program of this machine could run its code
// here, past every gate.
process.on("SIGUSR1", () => undefined);

if (isNodeTooOld(process.versions.node)) {
  // Nothing else is loaded before this line: the packages would fail first, with a message that explains nothing.
  process.stderr.write(
    `afk needs Node ${NODE_OLDEST.join(".")} or newer; this is Node ${process.versions.node} (${process.execPath}).\n`,
  );
  process.exitCode = 1;
} else {
  // Whoever ends before `finish` says how has failed. CommonJS, which the bundle is, cannot await here.
  process.exitCode = 1;
  void main();
}

function isNodeTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor < NODE_OLDEST[1]);
}

async function main(): Promise<void> {
  const [{ finish, runCli }, { tolerateLostOutput }, { default: manifest }] = await Promise.all([
    import("./run.ts"),
    import("./output.ts"),
    import("../../package.json", { with: { type: "json" } }),
  ]);
  tolerateLostOutput();
  await finish(
    await runCli({ name: "afk", version: manifest.version, commands: COMMANDS }, process.argv.slice(2)),
  );
}
