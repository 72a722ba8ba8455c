import { formatRelative } from "../../lib/duration-text.ts";
import { dollarText } from "../../lib/money.ts";
import { plural } from "../../lib/text.ts";
import type { ClientStatus, GatewayStatus } from "../../ops/gateway-status.ts";
import type { Status } from "../../ops/status.ts";
import { oneLine, paint } from "../output.ts";

/** More are in `afk ledger list --by client`. */
const CLIENTS_MAX = 8;

/** Who serves the gateway, and what each client did today, as rows of the status; none where there is no gateway. */
export function gatewayRows(
  { gateway, killed }: Pick<Status, "gateway" | "killed">,
  nowMs: number,
): (readonly [label: string, text: string])[] {
  if (gateway === null) return [];
  const shown = gateway.clients.slice(0, CLIENTS_MAX);
  const more = gateway.clients.length + gateway.more - shown.length;
  const lines = [
    ...shown.map((client) => clientText(client, nowMs)),
    ...(more === 0 ? [] : [`and ${more} more: afk ledger list --by client --since 1d`]),
  ];
  return [
    ["gateway", gatewayText(gateway, killed !== null)],
    ...lines.map((text, at) => [at === 0 ? "clients" : "", text] as const),
  ];
}

function gatewayText({ state, pid, url, unknownKeys }: GatewayStatus, isKilled: boolean): string {
  const keys =
    unknownKeys === 0 ? "" : `; ${paint("yellow", `${unknownKeys} refused today without a valid key`)}`;
  const who = pid === null ? "a process" : `process ${pid}`;
  const where = url === null ? "" : ` at ${url}`;
  switch (state) {
    case "none":
      return `${url === null ? "not served: afk gateway" : paint("yellow", `nobody serves ${url}: afk gateway, or afk run`)}${keys}`;
    case "suspended":
      return `${paint("red", `${who} serves it${where} and is suspended`)}: kill -CONT ${pid}${keys}`;
    case "working":
      return `${who} serves it${where}${isKilled ? paint("red", ", and refuses every request until afk resume") : ""}${keys}`;
  }
}

function clientText(client: ClientStatus, nowMs: number): string {
  const { name, calls, settledUsd, reservedUsd, lastCallAt, refused, answeredAgain } = client;
  const reserved = reservedUsd > 0 ? ` (${dollarText(reservedUsd)} reserved)` : "";
  const parts = [
    `${plural(calls, "call")} today, ${dollarText(settledUsd + reservedUsd)}${reserved}`,
    ...(lastCallAt === null ? [] : [`last ${formatRelative(Date.parse(lastCallAt), nowMs)}`]),
    ...(refused === 0 ? [] : [paint("yellow", `${refused} refused`)]),
    ...(answeredAgain === 0 ? [] : [`${answeredAgain} answered again`]),
  ];
  return `${oneLine(name)}: ${parts.join(", ")}`;
}
