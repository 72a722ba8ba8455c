import type { Report } from "./read-report.ts";
import { cents, count, figure, short } from "./words.ts";

/** What clients of the gateway cost, as a section of a report has it; none where no client has asked. */
export function clientTables({
  clients,
  gateway: { refused, replayed, joined },
}: Pick<Report, "clients" | "gateway">): { lines: string[]; columns: string; rows: string[][] }[] {
  const again = replayed + joined;
  if (clients.every(({ client }) => client === null) && refused + again === 0) return [];
  const besides = [
    ...(again === 0 ? [] : [`${count(again, "answer")} given again without buying it`]),
    ...(refused === 0 ? [] : [`${count(refused, "request")} refused`]),
  ];
  return [
    {
      lines: besides.length === 0 ? [] : [`Beside these calls: ${besides.join(", ")}.`],
      columns: "client:left calls:right unknown:right degraded:right tok in:right tok out:right cost:right",
      rows: clients.map((row) => [row.client ?? "(agent and jobs)", ...callCells(row)]),
    },
  ];
}

/** What calls came to: their number, unknown, degraded, tokens in and out, cost. */
export function callCells(sums: Omit<Report["clients"][number], "client">): string[] {
  const { calls, unknown, degraded, inputTokens, outputTokens, costMicros } = sums;
  return [
    ...[calls, unknown, degraded].map(figure),
    ...[inputTokens, outputTokens].map(short),
    cents(costMicros),
  ];
}
