import type { TickStatus } from "../../ops/status.ts";
import { paint, type Style } from "../output.ts";

/** Each outcome has a shape of its own, so that the strip reads without colour. */
const MARKS: Record<TickStatus["outcome"], { mark: string; style: Style }> = {
  ok: { mark: "●", style: "green" },
  idle: { mark: "·", style: "dim" },
  halted: { mark: "■", style: "yellow" },
  failed: { mark: "✗", style: "red" },
  crashed: { mark: "!", style: "red" },
  running: { mark: "▸", style: "cyan" },
};

const STRIP_MAX = 40;

/** The latest ticks as a strip, the newest to the right, with how many there were of each kind. */
export function tickMarks(ticks: readonly TickStatus[], columns: number): string {
  if (ticks.length === 0) return "none yet";
  const shown = ticks.slice(-Math.min(STRIP_MAX, columns));
  const strip = shown.map(({ outcome }) => paint(MARKS[outcome].style, MARKS[outcome].mark));
  const kinds = Map.groupBy(shown, ({ outcome }) => outcome);
  const legend = [...kinds].map(([outcome, those]) => {
    const { mark, style } = MARKS[outcome];
    return `  ${paint(style, mark)} ${those.length} ${outcome}`;
  });
  return [...strip, ...legend].join("");
}
