import { toIso } from "../../lib/clock.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";
import { listJobs, showJob } from "../../ops/jobs.ts";
import { defineCommand, LIMIT } from "../command.ts";
import { withState } from "../open.ts";
import { oneLine } from "../output.ts";
import { type Column, tableText } from "../text.ts";

const list = defineCommand({
  description: "The queue, the newest first",
  examples: ["afk jobs", "afk jobs list --json"],
  json: true,
  args: { limit: LIMIT },
  async run({ args }) {
    const jobs = await withState(args, ({ db }) => listJobs(db, args.limit));
    const columns: Column<(typeof jobs)[number]>[] = [
      ["KEY", (job) => job.key],
      ["STATE", (job) => job.state],
      ["ATTEMPTS", (job) => `${job.attempts}/${job.maxAttempts}`, "right"],
      ["DUE", (job) => job.runAt],
      ["UNITS", (job) => String(job.units), "right"],
      ["ERROR", (job) => job.error?.slice(0, 60) ?? ""],
    ];
    return { json: jobs, text: tableText(jobs, columns, "the queue is empty") };
  },
});

const show = defineCommand({
  description: "One job: its state, steps and files",
  examples: ["afk jobs show KEY"],
  json: true,
  args: { key: { type: "positional", description: "The job's key" } },
  async run({ args }) {
    const job = await withState(args, ({ db }) => showJob(db, args.key));
    if (job === undefined) {
      throw new AfkError("unknown_job", `there is no job ${args.key}; see: afk jobs`, {
        exitCode: EXIT.failed,
      });
    }
    const { steps, outputs, ...fields } = job;
    const text = [
      ...Object.entries(fields).map(([name, value]) => `${name.padEnd(12)} ${oneLine(String(value ?? "-"))}`),
      ...outputs.map((name) => `output       ${name}`),
      ...steps.map((step) => `step         ${toIso(step.at)} ${oneLine(step.name)}`),
    ];
    return { json: job, text };
  },
});

export default defineCommand({
  subCommands: { list, show },
  default: "list",
});
