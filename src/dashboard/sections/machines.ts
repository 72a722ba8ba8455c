import type { MachineStatus } from "../../ops/fleet.ts";
import { card, noCard, quiet, table, tag } from "../elements.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, foreign, type Times } from "../words.ts";

const SHOWN_MAX = 30;

/** Who takes part in the fleet, and what each machine does; nothing where one machine is all. */
export function machinesSection({ status: { machines } }: Snapshot, times: Times): Html {
  if (machines.length === 0) return noCard("machines");
  const columns = [["Machine"], ["State"], ["Runs"], ["Calls", "n"], ["Saw the switch", "n"]] as const;
  const shown = machines.slice(0, SHOWN_MAX);
  const more = machines.length - shown.length;
  return card("machines", "Machines", [
    html`<div class="scroll">${table(
      columns,
      shown.map((machine) => cells(machine, times)),
    )}</div>`,
    more > 0 && html`<p class="quiet small">and ${more} more: <code>afk machines</code></p>`,
  ]);
}

function cells(machine: MachineStatus, times: Times) {
  const { name, version, calls, lookedAt } = machine;
  return [
    html`${foreign(name, 80)} ${quiet(version)}`,
    stateTag(machine, times),
    runsOf(machine),
    calls,
    ago(Date.parse(lookedAt), times),
  ];
}

function runsOf({ part, jobs }: MachineStatus): Html {
  if (part === "gateway") return html`the gateway`;
  return jobs.length === 0 ? quiet("nothing") : html`${foreign(jobs.map((job) => job.name).join(", "), 200)}`;
}

function stateTag({ lease }: MachineStatus, times: Times): Html {
  const since = lease.since !== null && html` ${ago(Date.parse(lease.since), times)}`;
  switch (lease.state) {
    case "live":
      return tag("ok", "at work");
    case "over":
      return tag("warn", "silent");
    case "lost":
      return tag("bad", html`lost${since}`);
    case "ended":
      return tag("idle", html`ended${since}`);
  }
}
