import { toIso } from "../../lib/clock.ts";
import { AfkError, EXIT } from "../../lib/errors.ts";
import { listJobs, showJob } from "../../ops/jobs.ts";
import { defineCommand, LIMIT } from "../command.ts";
import { oneLine, printJson, printLines } from "../output.ts";
import { withState } from "../state.ts";
import { printTable } from "../text.ts";

const list = defineCommand({
  description: "The queue, the newest first",
  examples: ["afk jobs", "afk jobs list --json"],
  json: true,
  args: {
    limit: LIMIT,
  },
  async run({ args }) {
    const jobs = await withState(args, ({ db }) => listJobs(db, args.limit));
    if (args.json) return printJson(jobs);
    if (jobs.length === 0) return printLines(["the queue is empty"]);
    printTable(jobs, [
      { title: "KEY", value: (job) => job.key },
      { title: "STATE", value: (job) => job.state },
      { title: "ATTEMPTS", value: (job) => `${job.attempts}/${job.maxAttempts}`, align: "right" },
      { title: "DUE", value: (job) => job.runAt },
      { title: "UNITS", value: (job) => String(job.units), align: "right" },
      { title: "ERROR", value: (job) => job.error?.slice(0, 60) ?? "" },
    ]);
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
    if (args.json) return printJson(job);
    const { steps, outputs, ...fields } = job;
    printLines([
      ...Object.entries(fields).map(([name, value]) => `${name.padEnd(12)} ${oneLine(String(value ?? "-"))}`),
      ...outputs.map((name) => `output       ${name}`),
      ...steps.map((step) => `step         ${toIso(step.at)} ${oneLine(step.name)}`),
    ]);
  },
});

export default defineCommand({
  subCommands: { list, show },
  default: "list",
});
