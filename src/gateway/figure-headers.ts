import type { OutgoingHttpHeaders } from "node:http";
import { toIso } from "../lib/clock.ts";
import { usdFromMicros } from "../lib/money.ts";
import type { Reserved } from "../rails/budget.ts";
import { endOf } from "../rails/periods.ts";
import type { Rails } from "../rails/rails.ts";
import { unifiedHeaders } from "./protocols/anthropic/unified-headers.ts";
import type { Bound, ProtocolName } from "./protocols/protocol.ts";

interface FigureTools {
  rails: Rails;
  /** When periods end, by window and period. */
  resets: Map<string, number | null>;
}

/** When the tightest cap begins anew; asked once for each period that there is. */
async function resetOf(
  { rails: { store }, resets }: FigureTools,
  { tightest }: Reserved,
): Promise<number | null> {
  if (tightest === null || tightest.window === "hour") return null;
  const key = `${tightest.scope} ${tightest.window} ${tightest.period}`;
  if (!resets.has(key)) {
    if (resets.size > 100) resets.clear();
    resets.set(key, await endOf(store.db, tightest));
  }
  return resets.get(key) ?? null;
}

/** afk's own headers of a reply; its cost stands among them where that is known when they go out. */
export async function figureHeaders(
  tools: FigureTools,
  reserved: Reserved,
  { estimateMicros }: Bound,
  protocol: ProtocolName,
): Promise<(costMicros: number | null) => OutgoingHttpHeaders> {
  const { entryId, tightest } = reserved;
  const resetsAtMs = await resetOf(tools, reserved);
  const known = {
    "x-afk-entry": entryId,
    "x-afk-reserved-usd": String(usdFromMicros(estimateMicros)),
    ...(tightest === null ? {} : { "x-afk-remaining-usd": String(usdFromMicros(tightest.leftMicros)) }),
    ...(resetsAtMs === null ? {} : { "x-afk-resets-at": toIso(resetsAtMs) }),
    ...(protocol === "anthropic" ? unified(reserved, resetsAtMs) : {}),
  };
  return (costMicros) =>
    costMicros === null ? known : { ...known, "x-afk-cost-usd": String(usdFromMicros(costMicros)) };
}

function unified({ tightest }: Reserved, resetsAtMs: number | null): OutgoingHttpHeaders {
  if (tightest === null || resetsAtMs === null) return {};
  const { cap, spent, window } = tightest;
  return unifiedHeaders({ capMicros: cap, spentMicros: spent, resetsAtMs, window });
}
