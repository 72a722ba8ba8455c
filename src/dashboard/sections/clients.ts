import { figure } from "../../evidence/report/words.ts";
import type { ClientStatus, GatewayStatus } from "../../ops/gateway-status.ts";
import { card, noCard, row, table, tag } from "../elements.ts";
import { type Html, html } from "../html.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, foreign, type Times, usdText } from "../words.ts";

const CLIENTS_MAX = 20;

/** Who serves the gateway, and what each of its clients did today; nothing where there is no gateway. */
export function clientsSection({ status: { gateway, killed } }: Snapshot, times: Times): Html {
  if (gateway === null) return noCard("clients");
  const shown = gateway.clients.slice(0, CLIENTS_MAX);
  const more = gateway.clients.length + gateway.more - shown.length;
  const columns = [["Client"], ["Calls", "n"], ["Spent", "n"], ["Refused", "n"], ["Last call", "n"]] as const;
  return card("clients", "Clients of the gateway", [
    row(
      gateway.url === null ? "Gateway" : html`<code>${gateway.url}</code>`,
      served(gateway, killed !== null),
    ),
    shown.length > 0 &&
      html`<div class="scroll">${table(
        columns,
        shown.map((client) => cells(client, times)),
      )}</div>`,
    shown.length === 0 && html`<p class="quiet">No client has asked today.</p>`,
    more > 0 && html`<p class="quiet small">and ${more} more: <code>afk ledger list --by client</code></p>`,
    gateway.unknownKeys > 0 &&
      html`<p class="quiet small">${figure(gateway.unknownKeys)} refused today without a valid key.</p>`,
  ]);
}

function served({ state }: GatewayStatus, isKilled: boolean): Html {
  if (state === "none") return tag("idle", "not served");
  if (state === "suspended") return tag("bad", "suspended");
  return isKilled ? tag("warn", "refuses everything: stopped") : tag("ok", "served");
}

function cells(client: ClientStatus, times: Times) {
  const { name, calls, settledUsd, reservedUsd, refused, lastCallAt } = client;
  const reserved = reservedUsd > 0 && html` <span class="quiet">(${usdText(reservedUsd)} reserved)</span>`;
  const last = lastCallAt === null ? "never" : ago(Date.parse(lastCallAt), times);
  return [foreign(name, 80), calls, html`${usdText(settledUsd + reservedUsd)}${reserved}`, refused, last];
}
