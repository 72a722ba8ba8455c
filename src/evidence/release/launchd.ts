import { join } from "node:path";
import { evenInterval, type ReleasePlan, type Rendered, shellQuote } from "./plan.ts";

type Value = string | number | boolean | Value[] | { [key: string]: Value };

/** A launch agent of the user who loads it (launchd.plist(5)). */
export function renderLaunchd(plan: ReleasePlan): Rendered {
  const label = `afk.${plan.agent}`;
  const name = `${label}.plist`;
  const value: Value = {
    Label: label,
    ProgramArguments: ["/usr/bin/caffeinate", "-i", ...plan.command, "tick"],
    EnvironmentVariables: {
      AFK_CONFIG: plan.configFile,
      AFK_STATE: plan.state,
      ...Object.fromEntries(plan.settings),
    },
    ...interval(plan.everySeconds),
    RunAtLoad: false,
    StandardOutPath: "/dev/null",
    StandardErrorPath: join(plan.logs, "launchd.err"),
  };
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    ...NOTES,
    ...plan.leftOut.map(
      (variable) =>
        `<!-- ${variable} was set here and is a secret, so it is not in this file: add ${variable}_FILE to EnvironmentVariables. -->`,
    ),
    '<plist version="1.0">',
    ...render(value),
    "</plist>",
  ];
  const target = `~/Library/LaunchAgents/${name}`;
  return {
    name,
    content: `${lines.join("\n")}\n`,
    install: (file) => [
      `mkdir -p ~/Library/LaunchAgents ${shellQuote(plan.logs)}`,
      `cp ${shellQuote(file)} ~/Library/LaunchAgents/`,
      `launchctl bootstrap gui/$(id -u) ${target}`,
    ],
    uninstall: [`launchctl bootout gui/$(id -u)/${label}`, `rm ${target}`],
  };
}

const NOTES = [
  "<!--",
  "  One bounded pass; what is due is decided by the schedules of afk.yaml. Two that meet do no harm: afk has a lock of its",
  "  own, and launchd starts no second one of the same label.",
  "  caffeinate -i keeps the machine from falling asleep by itself while a tick runs, and no longer. Closing the lid of a",
  "  laptop still puts it to sleep: the tick then goes on where it was, and a model call that broke is unknown and charged.",
  "  A sleeping machine runs nothing. launchd starts one run after it wakes, however many were missed; that run does what",
  "  was due, once, and afk tells of the missed times (tick_missed). A machine that is off, or whose user has not logged",
  "  in, runs nothing either: for that, ping a service from outside (heartbeat in afk.yaml).",
  "  Standard output repeats the log, which is kept within bounds, so it goes nowhere; errors that come before the",
  "  log is open go to StandardErrorPath.",
  "-->",
];

/** At even times of the clock where there are such, as afk.timer has; otherwise from one run to the next. */
function interval(everySeconds: number): { [key: string]: Value } {
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
