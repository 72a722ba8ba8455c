import { envFileSecrets } from "../../jobs/programs/env-file.ts";
import { systemClock } from "../../lib/clock.ts";
import { shortId } from "../../lib/ids.ts";
import { createRedactor, redacted } from "../../lib/redact.ts";
import { endOfError } from "../../lib/text.ts";
import { shortMomentText } from "../../lib/zone.ts";
import { type JobView, listJobs } from "../../ops/jobs.ts";
import { readPaused, unpauseWith } from "../../ops/paused.ts";
import { showJob } from "../../ops/show-job.ts";
import { defineCommand, LIMIT } from "../command.ts";
import { withState } from "../open.ts";
import { type Column, tableText } from "../text.ts";
import { jobLines, runText } from "../views/job.ts";

const list = defineCommand({
  description: "The queue, the newest first",
  examples: ["afk jobs", "afk jobs list --json"],
  json: true,
  args: { limit: LIMIT },
  async run({ args }) {
    return await withState(args, async ({ db, config }) => {
      const { timezone } = config;
      const when = { timezone, nowMs: systemClock.nowMs() };
      const jobs = await listJobs(db, args.limit);
      const paused = await readPaused(db, config);
      const columns: Column<JobView>[] = [
        ["ID", ({ id }) => shortId(id)],
        ["JOB", ({ name }) => name],
        ["RUN", (job) => runText(job, when)],
        ["STATE", ({ state, runAt }) => stateText(state, Date.parse(runAt), when)],
        ["TRIES", ({ attempts, maxAttempts }) => `${attempts}/${maxAttempts}`, "right"],
        ["UNITS", ({ units }) => String(units), "right"],
      ];
      const below = ({ error }: JobView) => (error === null ? "" : endOfError(error));
      const table = tableText(jobs, columns, "the queue is empty; what is due: afk status", below);
      const notes = paused.map(
        (each) => `${each.job} is paused by ${each.by}; to go on: ${unpauseWith(each)}`,
      );
      return { json: jobs, text: [...table, ...notes] };
    });
  },
});

function stateText(
  state: JobView["state"],
  runAt: number,
  when: { timezone: string; nowMs: number },
): string {
  const isLater = state === "ready" && runAt > when.nowMs;
  return isLater ? `ready ${shortMomentText(runAt, when.timezone, when.nowMs)}` : state;
}

const show = defineCommand({
  description: "One run: its state, error, cost and files, and what its program wrote",
  examples: ["afk jobs show digest", "afk jobs show 8t2kqz4m", "afk jobs show KEY --json"],
  json: true,
  args: {
    key: { type: "positional", description: "A job's name (its newest run), the id of a run, or its key" },
  },
  async run({ args }) {
    return await withState(args, async ({ db, config }) => {
      const { timezone, secrets } = config;
      const job = redacted(
        await showJob(db, args.key),
        createRedactor([...secrets, ...envFileSecrets(config)]),
      );
      return { json: job, text: jobLines(job, { timezone, nowMs: systemClock.nowMs() }) };
    });
  },
});

export default defineCommand({
  subCommands: { list, show },
  default: "list",
});
