import type { Schedule } from "../../config/config.ts";
import { count, figure } from "../../evidence/report/words.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { shortId } from "../../lib/ids.ts";
import { ownerWords } from "../../lib/windows.ts";
import type { DeadJob, WaitingJob } from "../../ops/jobs.ts";
import type { LastResult } from "../../ops/last-results.ts";
import type { NextRun } from "../../ops/next-runs.ts";
import type { PausedJob } from "../../ops/paused.ts";
import type { Status } from "../../ops/status.ts";
import { card, list, noCard, quiet, row, table, tag } from "../elements.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, at, foreign, runName, type Times } from "../words.ts";

/** What is in the queue, and when each job is due. */
export function queueSection({ status, waiting, next, last }: Snapshot, times: Times): Html {
  const { ready, running, done, dead } = status.queue;
  const counts = Object.entries({ running, ready, done, dead }).map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${figure(value)}</dd></div>`,
  );
  return card("queue", "Queue", [
    html`<dl class="counts">${counts}</dl>\n`,
    list(waiting, (job) => waitingJob(job, times)),
    next.length > 0 && schedule(next, last, times),
  ]);
}

function waitingJob(job: WaitingJob, times: Times): Html {
  const { id, key, state, runAt, attempts, maxAttempts, waitingSince, error } = job;
  const how = [
    state === "running"
      ? tag("ok", "running")
      : quiet(runAt > times.nowMs ? html`ready ${ago(runAt, times)}` : "ready"),
    attempts > 0 && quiet(`, attempt ${attempts} of ${maxAttempts}`),
    waitingSince !== null && quiet(html`, waits since ${ago(waitingSince, times)}`),
  ];
  return html`${row(runLink(id, key, times), how)}${error !== null && html`<p class="error small">${foreign(error, 300)}</p>`}`;
}

/** A run, which opens. */
function runLink(id: string, key: string, times: Times): Html {
  return html`<a href="jobs/${encodeURIComponent(id)}">${runName(key, times)}</a>`;
}

function schedule(next: readonly NextRun[], last: readonly LastResult[], times: Times): Html {
  const results = new Map(last.map((result) => [result.job, result]));
  const rows = next.map(({ job, schedule: each, after, dueAt, paused }) => [
    html`${foreign(job, 80)}<small class="quiet">${scheduleText(each, after)}</small>`,
    lastText(results.get(job), times),
    paused !== null
      ? html`${tag("warn", "paused")} <small class="quiet">${pausedText(paused, times)}</small>`
      : dueAt === null
        ? "by hand"
        : dueAt <= times.nowMs
          ? "at the next tick"
          : at(dueAt, times),
  ]);
  return html`<div class="scroll">${table([["Job"], ["Last result"], ["Next", "n"]], rows)}</div>`;
}

function pausedText({ by, since, reason }: PausedJob, times: Times): Html {
  return html`by ${foreign(by, 40)}${since !== null && html` ${ago(Date.parse(since), times)}`}${reason !== null && html`: ${foreign(reason, 160)}`}`;
}

/** What the last run gave, which opens; that there was none is said. */
function lastText(result: LastResult | undefined, times: Times): Html {
  if (result === undefined) return quiet("no result yet");
  const { id, state, at: ms, title, units, error } = result;
  const what = state === "dead" ? "gave up" : (title ?? count(units, "output"));
  const why = state === "dead" && error !== null && html`<p class="error small">${foreign(error, 160)}</p>`;
  const shown = html`<a href="jobs/${encodeURIComponent(id)}">${foreign(what, 120)}</a>`;
  return html`${tag(state === "dead" ? "bad" : "ok", shown)} <small class="quiet">${ago(ms, times)}</small>${why}`;
}

function scheduleText(schedule: Schedule, after: readonly string[]): Html {
  if (schedule.type === "manual" && after.length > 0) return html`after ${foreign(after.join(", "), 80)}`;
  switch (schedule.type) {
    case "cron":
      return html`<code>${schedule.expression}</code>`;
    case "every":
      return html`every ${formatDuration(schedule.intervalMs)}`;
    case "manual":
      return html`by hand`;
  }
}

/** Jobs that wait for a person, with what each died of; nothing where there is none. */
export function deadSection({ dead, status }: Snapshot, times: Times): Html {
  if (dead.length === 0) return noCard("dead");
  const more = status.queue.dead - dead.length;
  return card("dead", "Dead letters", [
    list(dead, (job) => deadJob(job, times)),
    more > 0 && html`<p class="quiet small">and ${more} more: <code>afk dead list</code></p>`,
  ]);
}

function deadJob({ id, key, runs, attempts, diedAt, error }: DeadJob, times: Times): Html {
  const runsText = runs > 1 && `${count(runs, "run")}, `;
  const how = quiet([runsText, count(attempts, "attempt"), ", died ", ago(diedAt, times)]);
  return html`${row(html`<strong>${runLink(id, key, times)}</strong>`, how)}
<p class="error">${foreign(error, 600)}</p>
<code>afk dead show ${shortId(id)}</code>`;
}

/** Only breakers that have something to say; a closed one without failures is what nobody needs to see. */
export function breakerSection({ status: { breakers } }: Snapshot, times: Times): Html {
  const shown = breakers.filter(({ state, failures }) => state !== "closed" || failures > 0);
  const calm = breakers.length - shown.length;
  const where = shown.length > 0 ? "more" : "in all";
  return card("breakers", "Breakers", [
    list(shown.slice(0, 20), (breaker) => breakerItem(breaker, times)),
    breakers.length === 0 && html`<p class="quiet">No call has failed yet.</p>`,
    calm > 0 && html`<p class="quiet small">${calm} ${where}, closed and without failures.</p>`,
  ]);
}

const LABELS: Record<Exclude<Status["breakers"][number]["state"], "closed">, string> = {
  open: "open",
  half_open: "half open",
  blocked: "refused until you run afk resume",
};

function breakerItem(breaker: Status["breakers"][number], times: Times): Html {
  const { name, state, failures, until, reason } = breaker;
  const owner = ownerWords(name);
  const word = state === "open" && owner === null ? "a probe" : "until";
  const label = state === "open" && owner !== null ? "refused" : state === "closed" ? "" : LABELS[state];
  const how = [
    state === "closed" ? quiet(`${count(failures, "failure")} in a row`) : tag("warn", label),
    until !== null && quiet(html`, ${word} ${ago(Date.parse(until), times)}`),
  ];
  return html`${row(foreign(owner ?? name, 120), how)}${reason !== null && html`<p class="error small">${foreign(reason, 300)}</p>`}`;
}
