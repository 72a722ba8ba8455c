import { dollars } from "../../evidence/report/words.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { shortId } from "../../lib/ids.ts";
import type { LogEntry } from "../../logs/read.ts";
import { readWindow } from "../../logs/read-window.ts";
import type { TickDetail } from "../../ops/show-tick.ts";
import { card, list, noCard, tag } from "../elements.ts";
import { type Html, html } from "../html.ts";
import { TICK_LEVELS } from "../sections/ticks.ts";
import { at, runName, type Times } from "../words.ts";
import { detailPage, facts, verbatim } from "./detail.ts";
import { traceCard } from "./trace.ts";

const RUNS_MAX = 100;
/** What follows a tick, such as its alerts, is logged soon after. */
const AFTER_MS = 20_000;

/** What the log says of a tick, and the keys of the runs that it began. */
export function traceOfTick({ id, startedAt, finishedAt }: TickDetail, logs: string, nowMs: number) {
  const untilMs = (finishedAt ?? nowMs) + AFTER_MS;
  const trace = readWindow({ dir: logs, tick: id, sinceMs: startedAt, untilMs });
  const began = ({ line }: LogEntry) =>
    line.event === "job_started" && typeof line.job === "string" ? [line.job] : [];
  return { trace, keys: [...new Set(trace.entries.flatMap(began))].slice(0, RUNS_MAX) };
}

/** The page of one tick: how it went, what it ran, and its trace. */
export function tickPage(
  tick: TickDetail,
  { trace, runs }: { trace: ReturnType<typeof readWindow>; runs: readonly { key: string; id: string }[] },
  { agent, times }: { agent: string; times: Times },
): string {
  const { outcome, startedAt, finishedAt, reason, units, costMicros, byHand, version } = tick;
  const level = TICK_LEVELS[outcome];
  return detailPage({
    agent,
    title: html`Tick, ${at(startedAt, times)}`,
    times,
    body: html`<section class="card verdict ${level}" data-part="state" aria-labelledby="h-state">
<h2 class="headline" id="h-state">${tag(level, outcome)}</h2>
${facts([
  ["Took", finishedAt === null ? "not ended" : formatDuration(finishedAt - startedAt)],
  ["Outputs", String(units)],
  ["Cost", dollars(costMicros)],
  ["Started by", byHand ? "a person" : "its schedule"],
  ["Version", `afk ${version}`],
])}
${reason !== null && html`<h3>Why</h3>${verbatim(reason, "Why")}`}
</section>
${runsCard(runs, times)}
${traceCard(trace, `afk logs --tick ${shortId(tick.id)}`, times)}`,
  });
}

function runsCard(runs: readonly { key: string; id: string }[], times: Times): Html {
  if (runs.length === 0) return noCard("runs");
  return card(
    "runs",
    "Ran",
    list(runs, ({ key, id }) => html`<a href="../jobs/${id}">${runName(key, times)}</a>`),
  );
}
