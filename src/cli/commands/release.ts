import { readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { readAgentConfig } from "../../agent.ts";
import type { Config } from "../../config/config.ts";
import { processEnvironment } from "../../config/environment.ts";
import { configHash } from "../../config/hash.ts";
import { FORMATS, type Format, planRelease, type ReleasePlan } from "../../evidence/release/plan.ts";
import { type Recorded, recordRelease } from "../../evidence/release/record.ts";
import { putBack, type Release, release, renderOnly } from "../../evidence/release/release.ts";
import { releaseBy } from "../../evidence/release/releases.ts";
import { defineCommand, type GlobalValues, type Result, UsageError } from "../command.ts";
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
    continuous: {
      type: "boolean",
      description: "The loop, which keeps running, instead of a tick at each time (launchd and compose)",
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
    const { format, output = null, to } = { ...args, format: args.format as Format };
    if (args["dry-run"]) {
      if (to !== undefined) return await releasedText(args, to);
      print(args.json, {
        ...release(planOf(readAgentConfig(args), args.continuous), format, output),
        recorded: null,
        kept: null,
      });
      return;
    }
    const kept = to === undefined ? null : await goBackTo(args, to, format, args.continuous);
    const reason = args.reason ?? (to === undefined ? null : `put back ${to}`);
    const made = await withAgent(args, async (agent) => {
      const plan = planOf(agent.config, args.continuous);
      const { config, version, rails, outbox, log } = agent;
      const recorded = await recordRelease(
        { config, version, store: rails.store, outbox, clock: rails.clock, log },
        {
          rendered: renderOnly(plan, format),
          configHash: configHash(config),
          configText: readFileSync(config.paths.configFile, "utf8"),
          reason,
        },
      );
      return { ...release(plan, format, output), recorded };
    });
    print(args.json, { ...made, kept });
  },
});

type Made = Release & { recorded: Recorded | null; kept: string | null };

function planOf(config: Config, isContinuous: boolean): ReleasePlan {
  return planRelease(config, ownCommand(), processEnvironment(), isContinuous);
}

/** Where the former afk.yaml is now. What cannot be rendered is not put back. */
async function goBackTo(
  args: GlobalValues,
  hash: string,
  format: Format,
  isContinuous: boolean,
): Promise<string> {
  return await withAgent(args, async ({ config, rails }) => {
    const { config_text } = await releaseBy(rails.store.db, hash);
    return putBack(config.paths.configFile, config_text, {
      check(path) {
        renderOnly(planOf(readAgentConfig({ config: path, state: args.state }), isContinuous), format);
      },
      clock: rails.clock,
    });
  });
}

async function releasedText(args: GlobalValues, hash: string): Promise<Result> {
  const found = await withState(args, ({ db }) => releaseBy(db, hash));
  return {
    json: { configHash: found.config_hash, configText: found.config_text },
    text: [found.config_text.trimEnd()],
  };
}

function print(asJson: boolean, made: Made): void {
  if (asJson) {
    printJson(made);
    return;
  }
  const files = [{ name: made.name, content: made.content }, ...made.beside];
  const { path } = made;
  if (path !== null) printLines(files.map(({ name }) => `wrote ${join(dirname(path), name)}`));
  else if (files.length === 1) printLines([made.content.trimEnd()]);
  else printLines(files.flatMap(({ name, content }) => [`==> ${name} <==`, content.trimEnd(), ""]));
  // To standard error, so that `afk release >FILE` makes a file that works.
  printLines(
    [
      ...(made.kept === null ? [] : [`the former afk.yaml is kept as ${made.kept}`]),
      ...recordLines(made.recorded),
      ...["to install it:", ...indent([...writeFirst(made), ...made.install])],
      ...["to be rid of it:", ...indent(made.uninstall)],
    ],
    process.stderr,
  );
}

/** What was only printed is in no file yet, and the commands take one. */
function writeFirst({ path, format, name, beside }: Made): string[] {
  const files = [name, ...beside.map((other) => other.name)].map((file) => `./${file}`).join(" ");
  return path === null ? [`afk release --format ${format} --output .      # writes ${files}`] : [];
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
