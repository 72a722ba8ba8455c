import type { TickStatus } from "../../ops/status.ts";
import { paint, type Style } from "../output.ts";

/** Each outcome has a shape of its own, so that the strip reads without colour. */
const SYMBOLS: Record<TickStatus["outcome"], { symbol: string; style: Style }> = {
  ok: { symbol: "●", style: "green" },
  idle: { symbol: "·", style: "dim" },
  halted: { symbol: "■", style: "yellow" },
  failed: { symbol: "✗", style: "red" },
  crashed: { symbol: "!", style: "red" },
  running: { symbol: "▸", style: "cyan" },
};

const STRIP_MAX = 40;

/** The latest ticks as a strip, the newest to the right, with how many there were of each kind. */
export function tickStrip(ticks: readonly TickStatus[], columns: number): string {
  if (ticks.length === 0) return "none yet";
  const shown = ticks.slice(-Math.min(STRIP_MAX, columns));
  const strip = shown.map(({ outcome }) => paint(SYMBOLS[outcome].style, SYMBOLS[outcome].symbol));
  const kinds = Map.groupBy(shown, ({ outcome }) => outcome);
  const legend = [...kinds].map(([outcome, those]) => {
    const { symbol, style } = SYMBOLS[outcome];
    return `  ${paint(style, symbol)} ${those.length} ${outcome}`;
  });
  return [...strip, ...legend].join("");
}
