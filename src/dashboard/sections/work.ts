import type { Schedule } from "../../config/config.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import type { DeadJob, WaitingJob } from "../../ops/jobs.ts";
import type { NextRun } from "../../ops/next-runs.ts";
import type { Status } from "../../ops/status.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, at, count, foreign, shellWord, type Times } from "../words.ts";

/** What is in the queue, and when each job is due. */
export function queueSection({ status, waiting, next }: Snapshot, times: Times): Html {
  const { ready, running, done, dead } = status.queue;
  const figure = (name: string, value: number) =>
    html`<div><dt>${name}</dt><dd>${value.toLocaleString("en-US")}</dd></div>`;
  return html`<section class="card" data-part="queue" aria-labelledby="h-queue">
<h2 id="h-queue">Queue</h2>
<dl class="counts">${figure("running", running)}${figure("ready", ready)}${figure("done", done)}${figure("dead", dead)}</dl>
${waiting.length > 0 && html`<ul class="list">${waiting.map((job) => waitingJob(job, times))}</ul>`}
${next.length > 0 && schedule(next, times)}
</section>`;
}

function waitingJob(job: WaitingJob, times: Times): Html {
  const state =
    job.state === "running"
      ? html`<span class="tag t-ok">running</span>`
      : job.runAt > times.nowMs
        ? html`<span class="quiet">ready ${ago(job.runAt, times)}</span>`
        : html`<span class="quiet">ready</span>`;
  const waits =
    job.waitingSince !== null &&
    html`<span class="quiet">, waits since ${ago(job.waitingSince, times)}</span>`;
  const attempts =
    job.attempts > 0 && html`<span class="quiet">, attempt ${job.attempts} of ${job.maxAttempts}</span>`;
  const error = job.error !== null && html`<p class="error small">${foreign(job.error, 300)}</p>`;
  return html`<li><div class="row"><span>${foreign(job.key, 120)}</span><span class="small">${state}${attempts}${waits}</span></div>${error}</li>`;
}

function schedule(next: readonly NextRun[], times: Times): Html {
  return html`<div class="scroll"><table><caption class="hidden">When each job is due</caption>
<thead><tr><th scope="col">Job</th><th scope="col">Schedule</th><th scope="col" class="n">Next</th></tr></thead>
<tbody>${next.map(
    (run) =>
      html`<tr><th scope="row">${foreign(run.job, 80)}</th><td>${scheduleText(run.schedule)}</td><td class="n">${
        run.dueAt === null ? "by hand" : run.dueAt <= times.nowMs ? "at the next tick" : at(run.dueAt, times)
      }</td></tr>`,
  )}</tbody></table></div>`;
}

function scheduleText(schedule: Schedule): Html {
  switch (schedule.type) {
    case "cron":
      return html`<code>${schedule.expression}</code>`;
    case "every":
      return html`every ${formatDuration(schedule.intervalMs)}`;
    case "manual":
      return html`none`;
  }
}

/** Jobs that wait for a person, with what each died of; nothing where there is none. */
export function deadSection({ dead, status }: Snapshot, times: Times): Html {
  if (dead.length === 0) return html`<div data-part="dead"></div>`;
  const more = status.queue.dead - dead.length;
  return html`<section class="card" data-part="dead" aria-labelledby="h-dead">
<h2 id="h-dead">Dead letters</h2>
<ul class="list">${dead.map((job) => deadJob(job, times))}</ul>
${more > 0 && html`<p class="quiet small">and ${more} more: <code>afk dead list</code></p>`}
</section>`;
}

function deadJob(job: DeadJob, times: Times): Html {
  return html`<li><div class="row"><strong>${foreign(job.key, 160)}</strong><span class="quiet small">${job.runs > 1 && html`${count(job.runs, "run")}, `}${count(job.attempts, "attempt")}, died ${ago(job.diedAt, times)}</span></div>
<p class="error">${foreign(job.error, 600)}</p>
<code>afk dead show ${foreign(shellWord(job.key), 300)}</code></li>`;
}

/** Only breakers that have something to say; a closed one without failures is what nobody needs to see. */
export function breakerSection({ status }: Snapshot, times: Times): Html {
  const { breakers } = status;
  const calm = breakers.filter(({ state, failures }) => state === "closed" && failures === 0);
  const shown = breakers.filter((breaker) => !calm.includes(breaker)).slice(0, 20);
  const quiet = `${calm.length} ${shown.length > 0 ? "more" : "in all"}, closed and without failures.`;
  return html`<section class="card" data-part="breakers" aria-labelledby="h-breakers">
<h2 id="h-breakers">Breakers</h2>
${shown.length > 0 && html`<ul class="list">${shown.map((breaker) => breakerItem(breaker, times))}</ul>`}
${breakers.length === 0 && html`<p class="quiet">No call has failed yet.</p>`}
${calm.length > 0 && html`<p class="quiet small">${quiet}</p>`}
</section>`;
}

const LABELS: Record<Exclude<Status["breakers"][number]["state"], "closed">, string> = {
  open: "open",
  half_open: "half open",
  blocked: "refused until you run afk resume",
};

function breakerItem(breaker: Status["breakers"][number], times: Times): Html {
  const { name, state, failures, until, reason } = breaker;
  const label =
    state === "closed"
      ? html`<span class="quiet">${count(failures, "failure")} in a row</span>`
      : html`<span class="tag warn t-warn">${LABELS[state]}</span>`;
  const when =
    until !== null &&
    html`<span class="quiet">, ${state === "open" ? "a probe" : "until"} ${ago(Date.parse(until), times)}</span>`;
  return html`<li><div class="row"><span>${foreign(name, 120)}</span><span class="small">${label}${when}</span></div>${
    reason !== null && html`<p class="error small">${foreign(reason, 300)}</p>`
  }</li>`;
}
