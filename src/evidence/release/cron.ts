import { join } from "node:path";
import { evenInterval, type ReleasePlan, type Rendered, refuse, shellQuote } from "./plan.ts";

/** cron reads a command of at most 1,000 characters (cronie and Debian's cron: MAX_COMMAND), and cuts off the rest. */
const COMMAND_LENGTH_MAX = 998;

/**
 * A crontab with one line.
 * @throws AfkError (exit 78) when cron cannot say the interval, or cannot hold the command.
 */
export function renderCron(plan: ReleasePlan): Rendered {
  const log = join(plan.logs, "cron.log");
  const words = [
    ...plan.settings.map(([name, value]) => `${name}=${shellQuote(value)}`),
    ...[...plan.command, "tick", "--config", plan.configFile, "--state", plan.state].map(shellQuote),
  ];
  const command = `mkdir -p ${shellQuote(plan.logs)} && ${words.join(" ")} >${shellQuote(log)} 2>&1`;
  // To cron a % is the end of the command, whatever the shell thinks of it.
  const escaped = command.replaceAll("%", String.raw`\%`);
  if (Buffer.byteLength(escaped) > COMMAND_LENGTH_MAX) {
    throw refuse(
      `the command is ${Buffer.byteLength(escaped)} bytes long and cron cuts it off at ${COMMAND_LENGTH_MAX}; use shorter paths`,
    );
  }
  const lines = [
    titleOf(plan.agent),
    "# One bounded pass; what is due is decided by the schedules of afk.yaml. Two that meet do no harm: afk has a lock of",
    "# its own, and the second ends with exit code 75.",
    `# ${log} holds what the latest run printed; the log is beside it. cron`,
    "# gives it an almost empty environment: what afk.yaml takes from the environment is given by lines such as",
    "# NAME_FILE=/path/of/a/file above the command.",
    "# A machine that sleeps runs nothing, and cron makes up for nothing: the next run does what was missed, once, and",
    "# afk tells of it (tick_missed).",
    ...plan.leftOut.map(
      (name) =>
        `# ${name} was set here and is a secret, so it is not in this file: give ${name}_FILE=/path/of/a/file.`,
    ),
    `${fields(plan.everySeconds)} ${escaped}`,
  ];
  return {
    name: crontabName(plan.agent),
    content: `${lines.join("\n")}\n`,
    // Lines of an earlier release go: two schedules would be one too many.
    install: (file) => [
      `(crontab -l 2>/dev/null | ${without(plan.agent)}; cat ${shellQuote(file)}) | crontab -`,
    ],
    uninstall: [`crontab -l | ${without(plan.agent)} | crontab -`],
  };
}

/** The name of an agent's crontab in a release. */
export function crontabName(agent: string): string {
  return `afk-${agent}.crontab`;
}

/**
 * What of a crontab runs this agent: each run of lines from the title to the command, as it was rendered, and each line
 * outside of these that runs a tick of the same afk.yaml.
 */
export function crontabSections(
  crontab: string,
  { agent, configFile }: { agent: string; configFile: string },
): string[] {
  const sections: string[] = [];
  const loose = `tick --config ${shellQuote(configFile).replaceAll("%", String.raw`\%`)} `;
  let section: string[] | null = null;
  for (const line of crontab.split("\n")) {
    if (section === null && line === titleOf(agent)) section = [];
    if (section === null) {
      if (!line.startsWith("#") && line.includes(loose)) sections.push(`${line}\n`);
      continue;
    }
    section.push(line);
    if (line.startsWith("#")) continue;
    sections.push(`${section.join("\n")}\n`);
    section = null;
  }
  return sections;
}

function titleOf(agent: string): string {
  return `# afk: ${agent}`;
}

/** A filter that takes the lines of this agent out of a crontab, and no line of others whatever was done to these. */
function without(agent: string): string {
  const program = `$0 == "${titleOf(agent)}" {ours = 1} ours && /^#/ {next} ours {ours = 0; if (/ tick --config /) next} 1`;
  return `awk ${shellQuote(program)}`;
}

function fields(everySeconds: number): string {
  const even = evenInterval(everySeconds);
  if (even === null) {
    throw refuse(
      `cron cannot say every ${everySeconds} seconds (TICK_SECONDS): write minutes that divide an hour or hours that divide a day, such as 300, 900 or 3600, or use systemd, launchd or: afk run`,
    );
  }
  if (even.unit === "day") return "0 0 * * *";
  const every = even.every === 1 ? "*" : `*/${even.every}`;
  return even.unit === "hours" ? `0 ${every} * * *` : `${every} * * * *`;
}
