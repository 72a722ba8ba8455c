import { join } from "node:path";
import {
  BACKUP,
  backupArguments,
  evenInterval,
  type ReleasePlan,
  type Rendered,
  refuse,
  shellQuote,
  WATCHDOG,
} from "./plan.ts";

/** cron reads a command of at most 1,000 characters (cronie and Debian's cron: MAX_COMMAND), and cuts off the rest. */
const COMMAND_LENGTH_MAX = 998;

/**
 * A crontab with the tick, the watchdog and the backup, a line each.
 * @throws AfkError (exit 78) when cron cannot say the interval, or cannot hold a command.
 */
export function renderCron(plan: ReleasePlan): Rendered {
  if (plan.isContinuous)
    throw refuse("cron keeps no process running: leave --continuous out, or use systemd, launchd or compose");
  const log = (name: string) => join(plan.logs, `${name}.log`);
  const lines = [
    titleOf(plan.agent),
    "# The first line is one bounded pass; what is due is decided by the schedules of afk.yaml. Two that meet do no harm: afk",
    "# has a lock of its own, and the second ends with exit code 75. A pass that failed is told of by its exit code. The second",
    "# line is the watchdog: it tells of a worker that is gone, and delivers what alerts are left. The third is the backup.",
    `# ${log("cron")} holds what the latest run printed; the log is beside it. cron`,
    "# gives them an almost empty environment: what afk.yaml takes from the environment is given by lines such as",
    "# NAME_FILE=/path/of/a/file above the commands.",
    "# A machine that sleeps runs nothing, and cron makes up for nothing: the next run does what was missed, once, and",
    "# afk tells of it (tick_missed).",
    ...plan.leftOut.map(
      (name) =>
        `# ${name} was set here and is a secret, so it is not in this file: give ${name}_FILE=/path/of/a/file.`,
    ),
    line(fields(plan.everySeconds), tickCommand(plan, log("cron"))),
    line(
      `${WATCHDOG.minute}-59/${WATCHDOG.everyMinutes} * * * *`,
      into(plan, afk(plan, ["watchdog"]), log("cron-watchdog")),
    ),
    line(
      `${BACKUP.minute} ${BACKUP.hour} * * *`,
      into(plan, afk(plan, backupArguments(plan.state)), log("cron-backup"), join(plan.state, "backups")),
    ),
  ];
  return {
    name: crontabName(plan.agent),
    content: `${lines.join("\n")}\n`,
    beside: [],
    // Lines of an earlier release go: two schedules would be one too many.
    install: (file) => [
      `(crontab -l 2>/dev/null | ${without(plan.agent)}; cat ${shellQuote(file)}) | crontab -`,
    ],
    uninstall: [`crontab -l | ${without(plan.agent)} | crontab -`],
  };
}

/**
 * A pass that tells of its own failure, where cron's limit has room for that; else the watchdog tells of what follows from it.
 * 69 and 75 are no failures: a dependency is down, of which its breaker has told, or another tick is at work.
 */
function tickCommand(plan: ReleasePlan, log: string): string {
  const run = into(plan, afk(plan, ["tick"]), log);
  const tell = afk(plan, ["alert", "unit", "afk-tick", "--result", "exit-code", "--status"], "$code");
  const failed = `code=$?; case $code in 69|75) ;; *) ${tell} >>${shellQuote(log)} 2>&1 ;; esac`;
  const telling = `${run} || { ${failed}; }`;
  return lengthOf(telling) > COMMAND_LENGTH_MAX ? run : telling;
}

/** The settings and the command. `unquoted` is for the shell to fill in. */
function afk(plan: ReleasePlan, [verb = "", ...rest]: string[], unquoted?: string): string {
  const words = [...plan.command, verb, "--config", plan.configFile, "--state", plan.state];
  const [given, last] =
    verb === "alert" ? [[...plan.command, verb, ...rest], words.slice(-4)] : [words, rest];
  return [
    ...plan.settings.map(([name, value]) => `${name}=${shellQuote(value)}`),
    ...given.map(shellQuote),
    ...(unquoted === undefined ? [] : [unquoted]),
    ...last.map(shellQuote),
  ].join(" ");
}

function into(plan: ReleasePlan, command: string, log: string, ...folders: string[]): string {
  return `mkdir -p ${[plan.logs, ...folders].map(shellQuote).join(" ")} && ${command} >${shellQuote(log)} 2>&1`;
}

function line(time: string, command: string): string {
  const length = lengthOf(command);
  if (length > COMMAND_LENGTH_MAX) {
    throw refuse(
      `the command is ${length} bytes long and cron cuts it off at ${COMMAND_LENGTH_MAX}; use shorter paths`,
    );
  }
  return `${time} ${escapePercent(command)}`;
}

function lengthOf(command: string): number {
  return Buffer.byteLength(escapePercent(command));
}

/** To cron a % is the end of the command, whatever the shell thinks of it. */
function escapePercent(command: string): string {
  return command.replaceAll("%", String.raw`\%`);
}

/** The name of an agent's crontab in a release. */
export function crontabName(agent: string): string {
  return `afk-${agent}.crontab`;
}

/** A line of those that are rendered, also by an earlier afk, whose crontab had the first of them alone. */
const COMMAND = / (tick|watchdog|backup) --config /;
/** What a person adds above them, as the comment says. */
const SETTING = /^\w+ *=/;

/**
 * What of a crontab runs this agent: each run of lines from the title to the last command, as it was rendered, without the
 * settings among them, and each line outside of these that runs a tick of the same afk.yaml.
 */
export function crontabSections(
  crontab: string,
  { agent, configFile }: { agent: string; configFile: string },
): string[] {
  const sections: string[] = [];
  const loose = `tick --config ${shellQuote(configFile).replaceAll("%", String.raw`\%`)} `;
  let section: string[] = [];
  let at: "outside" | "comments" | "settings" | "commands" = "outside";
  const end = () => {
    if (at === "commands") sections.push(`${section.join("\n")}\n`);
    at = "outside";
  };
  for (const each of crontab.split("\n")) {
    const isComment = each.startsWith("#");
    if (each === titleOf(agent)) {
      end();
      [section, at] = [[each], "comments"];
    } else if (at === "comments" && isComment) {
      section.push(each);
    } else if ((at === "comments" || at === "settings") && SETTING.test(each)) {
      at = "settings";
    } else if (at !== "outside" && !isComment && (at !== "commands" || COMMAND.test(each))) {
      section.push(each);
      at = "commands";
    } else {
      end();
      if (!isComment && each.includes(loose)) sections.push(`${each}\n`);
    }
  }
  end();
  return sections;
}

function titleOf(agent: string): string {
  return `# afk: ${agent}`;
}

/** A filter that takes the lines of this agent out of a crontab, and no line of others whatever was done to these. */
function without(agent: string): string {
  const program = [
    `$0 == "${titleOf(agent)}" {at = 1; next}`,
    "at == 1 && /^#/ {next}",
    "at && !/^#/ && / (tick|watchdog|backup) --config / {at = 3; next}",
    "(at == 1 || at == 2) && /^[A-Za-z_][A-Za-z_0-9]* *=/ {at = 2; print; next}",
    "{at = 0} 1",
  ].join(" ");
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
