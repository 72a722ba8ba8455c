import { formatDuration, formatRelative } from "../../lib/duration-text.ts";
import { assertNever } from "../../lib/errors.ts";
import { shortId } from "../../lib/ids.ts";
import { plural } from "../../lib/text.ts";
import type { MachineStatus } from "../../ops/fleet.ts";
import { oneLine, paint } from "../output.ts";
import { type Column, tableText } from "../text.ts";

/** Clocks that are set over the network differ by less. */
const CLOCK_SHOWN_MS = 1_000;

/** The machines of a fleet as a table, those at work first. */
export function machineLines(machines: readonly MachineStatus[], nowMs: number): string[] {
  const isMixed = new Set(machines.filter(isLive).map(({ version }) => version)).size > 1;
  const columns: Column<MachineStatus>[] = [
    ["MACHINE", ({ name }) => name],
    ["ID", ({ id }) => shortId(id)],
    ["STATE", stateText],
    ["VERSION", ({ version }) => version],
    ["CALLS", ({ calls }) => String(calls), "right"],
    ["SAW THE SWITCH", ({ lookedAt }) => formatRelative(Date.parse(lookedAt), nowMs), "right"],
    ["CLOCK", ({ clockOffMs }) => clockText(clockOffMs), "right"],
    ["RUNS", runsText],
  ];
  return [
    ...tableText(machines, columns, "no machine has taken part yet: afk run, or afk tick"),
    ...(isMixed ? ["versions differ, as they do while machines are upgraded one by one"] : []),
  ];
}

/** The machines as a row of the status; none where there is no fleet. */
export function machineRows(machines: readonly MachineStatus[]): (readonly [label: string, text: string])[] {
  if (machines.length === 0) return [];
  const live = machines.filter((each) => isLive(each) && each.part === "worker");
  const gateways = machines.filter((each) => isLive(each) && each.part === "gateway");
  const lost = machines.filter(({ lease }) => lease.state === "lost" || lease.state === "over").length;
  const names = (some: readonly MachineStatus[]) => some.map(({ name }) => oneLine(name)).join(", ");
  const parts = [
    live.length === 0 ? paint("red", "none at work") : `${live.length} at work (${names(live)})`,
    ...(gateways.length === 0 ? [] : [`${plural(gateways.length, "gateway")} (${names(gateways)})`]),
    ...(lost === 0 ? [] : [paint("yellow", `${lost} lost`)]),
  ];
  return [["machines", `${parts.join(", ")}: afk machines`]];
}

function runsText({ part, jobs }: MachineStatus): string {
  if (part === "gateway") return "the gateway";
  return jobs.length === 0 ? "nothing" : jobs.map(({ name }) => name).join(", ");
}

function isLive({ lease }: MachineStatus): boolean {
  return lease.state === "live";
}

function stateText({ lease: { state } }: MachineStatus): string {
  switch (state) {
    case "live":
      return "at work";
    case "over":
      return paint("yellow", "silent");
    case "lost":
      return paint("red", state);
    case "ended":
      return state;
    default:
      return assertNever(state);
  }
}

function clockText(offMs: number): string {
  if (Math.abs(offMs) < CLOCK_SHOWN_MS) return "right";
  return `${formatDuration(Math.abs(offMs))} ${offMs > 0 ? "ahead" : "behind"}`;
}
