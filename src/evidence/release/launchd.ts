import { dirname, join } from "node:path";
import { assert } from "../../lib/errors.ts";
import {
  BACKUP,
  backupArguments,
  evenInterval,
  type ReleasePlan,
  type Rendered,
  shellQuote,
  WATCHDOG,
} from "./plan.ts";

type Value = string | number | boolean | Value[] | Dictionary;
type Dictionary = { [key: string]: Value };

/** Launch agents of the user who loads them (launchd.plist(5)): what works, the watchdog and the backup. */
export function renderLaunchd(plan: ReleasePlan): Rendered {
  const labels = labelsOf(plan.agent);
  const { watchdog, backup } = labels;
  const agents = [
    launchAgent(plan, labels.work, plan.isContinuous ? loop(plan) : tick(plan), [
      ...(plan.isContinuous ? LOOP_NOTES : TICK_NOTES),
      ...ERRORS_NOTE,
    ]),
    launchAgent(plan, watchdog, { ProgramArguments: [...plan.command, "watchdog"], ...WATCHDOG_TIMES }, [
      "  Looks every ten minutes whether the agent still works, tells of it, and delivers what alerts are left. It shares this",
      "  machine with the agent: what it cannot tell of is told by a ping from outside (heartbeat in afk.yaml).",
    ]),
    launchAgent(
      plan,
      backup,
      { ProgramArguments: [...plan.command, ...backupArguments(plan.state)], ...BACKUP_TIME },
      ["  A copy of the state every night, the newest seven of them. Keep copies on another machine too."],
    ),
    ...(plan.readsPhone ? [launchAgent(plan, labels.remote, phone(plan), PHONE_NOTES)] : []),
  ];
  const [work, ...beside] = agents.map(({ label, content }) => ({ name: `${label}.plist`, content }));
  assert(work !== undefined, "launchd has no agent that works");
  const targets = agents.map(({ label }) => ({ label, target: `~/Library/LaunchAgents/${label}.plist` }));
  return {
    ...work,
    beside,
    install: (file) => [
      `mkdir -p ~/Library/LaunchAgents ${[plan.logs, join(plan.state, "backups")].map(shellQuote).join(" ")}`,
      `cp ${[file, ...beside.map(({ name }) => join(dirname(file), name))].map(shellQuote).join(" ")} ~/Library/LaunchAgents/`,
      ...targets.flatMap(({ label, target }) => [
        `launchctl bootout gui/$(id -u)/${label} 2>/dev/null || true`,
        `launchctl bootstrap gui/$(id -u) ${target}`,
      ]),
    ],
    uninstall: targets.flatMap(({ label, target }) => [
      `launchctl bootout gui/$(id -u)/${label}`,
      `rm ${target}`,
    ]),
  };
}

/** What launchd calls an agent's own, and their files with `.plist` behind. */
export function labelsOf(agent: string) {
  const name = `afk.${agent}`;
  return { work: name, watchdog: `${name}.watchdog`, backup: `${name}.backup`, remote: `${name}.remote` };
}

const WATCHDOG_TIMES: Dictionary = {
  StartCalendarInterval: steps(60, WATCHDOG.everyMinutes).map((minute) => ({
    Minute: minute + WATCHDOG.minute,
  })),
  RunAtLoad: false,
};
const BACKUP_TIME: Dictionary = {
  StartCalendarInterval: [{ Hour: BACKUP.hour, Minute: BACKUP.minute }],
  RunAtLoad: false,
};

function tick(plan: ReleasePlan): Dictionary {
  const ProgramArguments = ["/usr/bin/caffeinate", "-i", ...plan.command, "tick"];
  return { ProgramArguments, ...interval(plan.everySeconds), RunAtLoad: false };
}

/** The shell becomes the loop, so that signals and the exit code are the loop's own; caffeinate watches it from beside. */
function loop(plan: ReleasePlan): Dictionary {
  const script = '/usr/bin/caffeinate -is -w $$ & exec "$@"';
  return {
    ProgramArguments: ["/bin/sh", "-c", script, "afk", ...plan.command, "run"],
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 30,
    ExitTimeOut: 10,
    RunAtLoad: true,
  };
}

function phone(plan: ReleasePlan): Dictionary {
  return {
    ProgramArguments: [...plan.command, "remote"],
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 30,
    RunAtLoad: true,
  };
}

function launchAgent(plan: ReleasePlan, label: string, what: Dictionary, notes: readonly string[]) {
  const value: Dictionary = {
    Label: label,
    EnvironmentVariables: {
      AFK_CONFIG: plan.configFile,
      AFK_STATE: plan.state,
      ...Object.fromEntries(plan.settings),
    },
    ...what,
    StandardOutPath: "/dev/null",
    StandardErrorPath: join(plan.logs, `${label === labelsOf(plan.agent).work ? "launchd" : label}.err`),
  };
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    ...["<!--", ...notes, "-->"],
    ...plan.leftOut.map(
      (variable) =>
        `<!-- ${variable} was set here and is a secret, so it is not in this file: add ${variable}_FILE to EnvironmentVariables. -->`,
    ),
    '<plist version="1.0">',
    ...render(value),
    "</plist>",
  ];
  return { label, content: `${lines.join("\n")}\n` };
}

const TICK_NOTES = [
  "  One bounded pass; what is due is decided by the schedules of afk.yaml. Two that meet do no harm: afk has a lock of its",
  "  own, and launchd starts no second one of the same label.",
  "  caffeinate -i keeps the machine from falling asleep by itself while a tick runs, and no longer. Closing the lid of a",
  "  laptop still puts it to sleep: the tick then goes on where it was, and a model call that broke is unknown and charged.",
  "  A sleeping machine runs nothing. launchd starts one run after it wakes, however many were missed; that run does what",
  "  was due, once, and afk tells of the missed times (tick_missed). A machine that is off, or whose user has not logged",
  "  in, runs nothing either: for that, ping a service from outside (heartbeat in afk.yaml).",
];
const LOOP_NOTES = [
  "  The loop: one process that keeps running and ticks by itself. launchd starts it at login and, half a minute after it has",
  "  crashed, again (KeepAlive); after afk stop it ends with 0 and stays down until launchctl kickstart or the next login.",
  "  caffeinate -is keeps the machine awake as long as the loop runs, between ticks too (-s where it has mains power), so this",
  "  is for a Mac that is there for it; on a laptop take the tick, for which it is kept awake only while one runs. Closing the",
  "  lid still puts it to sleep. A machine whose user has not logged in runs nothing: let that user log in automatically.",
];
const PHONE_NOTES = [
  "  Reads what the phone sends, also between ticks and while the kill switch is set: then it answers, and resumes nothing.",
];
const ERRORS_NOTE = [
  "  Standard output repeats the log, which is kept within bounds, so it goes nowhere; errors that come before the",
  "  log is open go to StandardErrorPath.",
];

/** At even times of the clock where there are such, as afk.timer has; otherwise from one run to the next. */
function interval(everySeconds: number): Dictionary {
  const even = evenInterval(everySeconds);
  if (even === null) return { StartInterval: everySeconds };
  if (even.unit === "day") return { StartCalendarInterval: [{ Hour: 0, Minute: 0 }] };
  const { every } = even;
  const times =
    even.unit === "hours"
      ? steps(24, every).map((Hour) => ({ Hour, Minute: 0 }))
      : steps(60, every).map((Minute) => ({ Minute }));
  return { StartCalendarInterval: times };
}

function steps(end: number, every: number): number[] {
  return Array.from({ length: end / every }, (_, index) => index * every);
}

function render(value: Value, indent = ""): string[] {
  if (typeof value === "string") return [`${indent}<string>${escapeXml(value)}</string>`];
  if (typeof value === "number") return [`${indent}<integer>${value}</integer>`];
  if (typeof value === "boolean") return [`${indent}<${value}/>`];
  const inner = `${indent}  `;
  if (Array.isArray(value))
    return [`${indent}<array>`, ...value.flatMap((item) => render(item, inner)), `${indent}</array>`];
  const entries = Object.entries(value).flatMap(([key, item]) => [
    `${inner}<key>${escapeXml(key)}</key>`,
    ...render(item, inner),
  ]);
  return [`${indent}<dict>`, ...entries, `${indent}</dict>`];
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
