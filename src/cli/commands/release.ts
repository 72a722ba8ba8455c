import { readFileSync, realpathSync } from "node:fs";
import { type Agent, readAgentConfig } from "../../agent.ts";
import { processEnvironment } from "../../config/environment.ts";
import { configHash } from "../../config/hash.ts";
import { FORMATS, type Format, planRelease } from "../../evidence/release/plan.ts";
import { type Recorded, recordRelease } from "../../evidence/release/record.ts";
import { putBack, type Release, release, renderOnly } from "../../evidence/release/release.ts";
import { releaseBy } from "../../evidence/release/releases.ts";
import { defineCommand, type GlobalValues, UsageError } from "../command.ts";
import { withAgent, withState } from "../open.ts";
import { oneLine, printJson, printLines } from "../output.ts";

export default defineCommand({
  json: true,
  args: {
    format: { type: "enum", options: FORMATS, default: "systemd", description: "For what it is rendered" },
    output: {
      type: "string",
      valueHint: "DIR",
      description: "Writes the file there instead of printing it",
    },
    reason: { type: "string", valueHint: "TEXT", description: "Why; it is kept with the release" },
    to: {
      type: "string",
      valueHint: "HASH",
      description:
        "Puts back the afk.yaml of the release whose configuration hash begins so, and releases it",
    },
    "dry-run": {
      type: "boolean",
      description: "Checks and renders, and records nothing; with --to prints the released afk.yaml",
    },
  },
  async run({ args }) {
    if (args.reason !== undefined && args.reason.trim() === "")
      throw new UsageError("--reason is empty; write why, or leave it out.");
    const how = { format: args.format as Format, output: args.output ?? null };
    if (args.to !== undefined && args["dry-run"]) return await printReleased(args, args.to);
    if (args["dry-run"]) return print(args.json, { ...render(args, how), recorded: null, kept: null });
    const kept = args.to === undefined ? null : await goBackTo(args, args.to, how.format);
    const reason = args.reason ?? (args.to === undefined ? null : `put back ${args.to}`);
    const made = await withAgent(args, async (agent) => {
      const rendered = render(args, { ...how, output: null });
      const recorded = await record(agent, how.format, reason);
      return { ...(how.output === null ? rendered : render(args, how)), recorded };
    });
    print(args.json, { ...made, kept });
  },
});

type Made = Release & { recorded: Recorded | null; kept: string | null };

function render(args: GlobalValues, how: { format: Format; output: string | null }): Release {
  const config = readAgentConfig(args);
  return release(planRelease(config, ownCommand(), processEnvironment()), how.format, how.output);
}

async function record(agent: Agent, format: Format, reason: string | null): Promise<Recorded> {
  const { config, version, rails, outbox, log } = agent;
  const plan = planRelease(config, ownCommand(), processEnvironment());
  const sources = { config, version, store: rails.store, outbox, clock: rails.clock, log };
  return await recordRelease(sources, {
    rendered: renderOnly(plan, format),
    configHash: configHash(config),
    configText: readFileSync(config.paths.configFile, "utf8"),
    reason,
  });
}

/** Where the former afk.yaml is now. What cannot be rendered is not put back. */
async function goBackTo(args: GlobalValues, hash: string, format: Format): Promise<string> {
  return await withAgent(args, async ({ config, rails }) => {
    const { config_text } = await releaseBy(rails.store.db, hash);
    return putBack(config.paths.configFile, config_text, {
      check(path) {
        const candidate = readAgentConfig({ config: path, state: args.state });
        renderOnly(planRelease(candidate, ownCommand(), processEnvironment()), format);
      },
      clock: rails.clock,
    });
  });
}

async function printReleased(args: GlobalValues, hash: string): Promise<void> {
  const found = await withState(args, ({ db }) => releaseBy(db, hash));
  if (args.json) printJson({ configHash: found.config_hash, configText: found.config_text });
  else printLines([found.config_text.trimEnd()]);
}

function print(asJson: boolean, made: Made): void {
  if (asJson) {
    printJson(made);
    return;
  }
  if (made.path === null) printLines([made.content.trimEnd()]);
  else printLines([`wrote ${made.path}`]);
  // To standard error, so that `afk release >FILE` makes a file that works.
  printLines(
    [
      ...(made.kept === null ? [] : [`the former afk.yaml is kept as ${made.kept}`]),
      ...recordLines(made.recorded),
      ...["to install it:", ...indent(made.install), "to be rid of it:", ...indent(made.uninstall)],
    ],
    process.stderr,
  );
}

function recordLines(recorded: Recorded | null): string[] {
  if (recorded === null) return ["nothing was recorded (--dry-run)"];
  const { configHash: hash, difference, file, isNew } = recorded;
  if (!isNew) return [`unchanged since the release ${hash.slice(0, 12)}; nothing new was recorded`];
  return [
    `released ${hash.slice(0, 12)}; the record is runs/${file}`,
    ...indent(difference.map((each) => oneLine(each))),
  ];
}

/** How this very process was started, by absolute paths: a schedule knows no PATH. */
function ownCommand(): string[] {
  const script = process.argv[1];
  return script === undefined ? [process.execPath] : [process.execPath, realpathSync(script)];
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
