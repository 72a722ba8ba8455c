import { dirname } from "node:path";
import type { Drill } from "../../drill/harness.ts";
import { HOST_DRILL } from "../../drill/host-drill.ts";
import { recordResult } from "../../drill/record-result.ts";
import { DRILLS } from "../../drill/registry.ts";
import { chooseDrills, type DrillOptions, type DrillResult, runDrills } from "../../drill/run-drills.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { EXIT } from "../../lib/errors.ts";
import { formatUsd } from "../../lib/money.ts";
import { defineCommand, exitCode, type Result, UsageError } from "../command.ts";
import { ENTRY } from "../entry.ts";
import { untilInterrupted } from "../interrupt.ts";
import { withAgent } from "../open.ts";
import { oneLine, paint, printLines, terminalColumns } from "../output.ts";
import { COLUMNS, type Column, hang, tableText } from "../text.ts";

const TAIL_LINES_MAX = 6;

const run = defineCommand({
  description: "Fires the safeties on purpose",
  examples: ["afk drill", "afk drill run cap"],
  json: true,
  args: {
    names: {
      type: "positional",
      isList: true,
      required: false,
      options: DRILLS.map(({ name }) => name),
      description: "The drills to fire (all of them unless named)",
    },
    "no-send": {
      type: "boolean",
      description: "Leaves out the drill that sends a real alert through every channel",
    },
    list: { type: "boolean", description: "Shows what there is, and fires nothing" },
  },
  async run({ args }) {
    const isSending = !args["no-send"];
    if (!isSending && args.names.includes("alert"))
      throw new UsageError("alert is the drill that --no-send leaves out; name it or leave it out.");
    const drills = chooseDrills(args.names, isSending);
    if (args.list) return list();
    using interrupt = untilInterrupted();
    const left = isSending || args.names.length > 0 ? [] : ["alert"];
    const results = await withAgent(args, async (agent) => {
      const { signal } = interrupt;
      return await runDrills(drills, {
        agent,
        entry: ENTRY,
        signal,
        ...(args.json ? {} : drillProgress(drills)),
      });
    }).catch((error: unknown) => {
      if (!interrupt.signal.aborted) throw error;
      return null;
    });
    if (results === null) {
      printLines(
        ["afk drill: interrupted; the drill that was under way was taken down and counts for nothing"],
        process.stderr,
      );
      return EXIT.failed;
    }
    const isWell = results.every(({ passed }) => passed);
    const json = { ok: isWell, leftOut: left, drills: results };
    return { json, text: summary(results, left), exitCode: exitCode(isWell) };
  },
});

const record = defineCommand({
  description: "Writes down a drill that was done from outside, as the host's own command does",
  examples: [
    `afk drill record failover --passed --figures '{"takeoverMs": 4200}'`,
    `afk drill record systemctl --failed --figures '{"stopMs": 15000}' --error "the container was still there"`,
  ],
  json: true,
  args: {
    name: { type: "positional", description: "What was drilled: systemctl, or a name of your own" },
    passed: { type: "boolean", description: "It did what it promises" },
    failed: { type: "boolean", description: "It did not" },
    figures: {
      type: "string",
      valueHint: "JSON",
      required: true,
      description: "What was measured, as a JSON object",
    },
    error: { type: "string", valueHint: "TEXT", description: "What went wrong, for one that failed" },
  },
  async run({ args }) {
    if (args.passed === args.failed) throw new UsageError("Say how it went: --passed or --failed.");
    if (args.passed && args.error !== undefined)
      throw new UsageError("--error is for a drill that --failed.");
    const error = args.passed ? null : (args.error ?? "it failed, and nothing was said of how");
    const row = await withAgent(args, (agent) =>
      recordResult(agent, { name: args.name, figures: args.figures, error }),
    );
    const { id, name, file } = row;
    return {
      json: { id, name, passed: args.passed, record: file },
      text: [`${name} ${args.passed ? "passed" : "FAILED"}, written down in runs/${file}`],
    };
  },
});

export default defineCommand({
  subCommands: { run, record },
  default: "run",
});

function list(): Result {
  const { name, description, command } = HOST_DRILL;
  const rows = [
    ...DRILLS.map((drill) => ({ name: drill.name, description: drill.description })),
    { name, description: `${description} (by the host alone: ${command})` },
  ];
  const columns: Column<(typeof rows)[number]>[] = [
    ["DRILL", (row) => row.name],
    ["WHAT MUST HAPPEN", (row) => row.description],
  ];
  return { json: rows, text: tableText(rows, columns, "") };
}

function summary(results: readonly DrillResult[], left: readonly string[]): string[] {
  const failed = results.filter(({ passed }) => !passed);
  const seconds = results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1_000;
  return [
    ...left.map((name) => `${name} was left out (--no-send): no message was sent`),
    failed.length === 0
      ? `${results.length} passed in ${seconds.toFixed(1)} s`
      : `${results.length - failed.length} passed, ${failed.length} FAILED in ${seconds.toFixed(1)} s: ${failed.map(({ name }) => name).join(", ")}`,
    ...failed.flatMap(({ name, error }) =>
      hang(`${name}: `, oneLine(error ?? ""), terminalColumns() ?? COLUMNS, TAIL_LINES_MAX),
    ),
    ...results.slice(0, 1).map(({ record }) => `the records are in ${dirname(record)}`),
  ];
}

/**
 * How `afk drill` shows what it does: on a terminal the drill under way is on the last line until its result takes the
 * place; anywhere else there is one line a drill, when it is over.
 */
function drillProgress(drills: readonly Drill[]): Pick<DrillOptions, "onStart" | "onEnd"> {
  const { stdout } = process;
  const width = Math.max(...drills.map(({ name }) => name.length), 0);
  let count = 0;
  return {
    onStart(drill) {
      count += 1;
      if (stdout.isTTY) stdout.write(`  ${drill.name.padEnd(width)}  ${count}/${drills.length} …`);
    },
    onEnd(result) {
      const verdict = result.passed ? paint("green", "passed") : paint("red", "FAILED");
      const seconds = `${(result.durationMs / 1_000).toFixed(1)} s`.padStart(7);
      const tail = result.passed ? figuresText(result.figures) : oneLine(result.error ?? "");
      // Erase the line (ECMA-48, EL 2) that says what is under way.
      const start = stdout.isTTY ? "\r\u001b[2K" : "";
      const head = `${verdict}  ${result.name.padEnd(width)} ${seconds}  `;
      const columns = terminalColumns() ?? COLUMNS;
      stdout.write(`${start}${hang(head, tail, columns, TAIL_LINES_MAX).join("\n")}\n`);
    },
  };
}

/** `requests before 2, kill to gone 120 ms`. */
function figuresText(figures: DrillResult["figures"]): string {
  return Object.entries(figures)
    .map(([name, value]) => {
      const words = name
        .replace(/(?:Micros|Ms)$/, "")
        .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
      if (typeof value !== "number") return `${words} ${oneLine(String(value))}`;
      if (name.endsWith("Micros")) return `${words} ${formatUsd(value)}`;
      return `${words} ${name.endsWith("Ms") ? formatDuration(value) : value}`;
    })
    .join(", ");
}
