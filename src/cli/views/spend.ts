import { AGENT, scopeWords } from "../../lib/windows.ts";
import { amountText, type WindowStatus } from "../../ops/condition/spend.ts";
import { paint, type Style } from "../output.ts";

const BAR_CELLS = { min: 10, plain: 20, max: 40 };
/** What stands beside a bar takes about this much; where it does not fit it goes below. */
const FIGURES_COLUMNS = 44;
const WARNING_SHARE = 0.8;

/**
 * Each window of the budget as a bar: `█` is settled, `▒` reserved or unknown, `░` free. Where the terminal is too narrow
 * for the figures beside it, they come below, under an empty label.
 */
export function spendLines(
  windows: readonly WindowStatus[],
  columns: number | null,
  labelColumns: number,
): { label: string; text: string }[] {
  const room = columns === null ? null : columns - labelColumns;
  const isNarrow = room !== null && room < BAR_CELLS.min + FIGURES_COLUMNS;
  const beside = room === null ? BAR_CELLS.plain : Math.min(BAR_CELLS.max, room - FIGURES_COLUMNS);
  const cells = isNarrow ? Math.max(BAR_CELLS.min, (room ?? 0) - 8) : beside;
  return windows.flatMap((window) => {
    const { window: label } = window;
    const { unit, cap, settled, scope } = window;
    const spent = amountText(unit, settled + window.reserved);
    if (cap === null) return [{ label, text: `${spent}, no cap` }];
    const bar = barLine(window, cap, cells);
    const whose = scope === AGENT ? "" : ` for ${scopeWords(scope)}`;
    const amounts = `${spent} of ${amountText(unit, cap)}${whose}${reserved(window)}`;
    if (!isNarrow) return [{ label, text: `${bar}  ${amounts}` }];
    return [
      { label, text: bar },
      { label: "", text: amounts },
    ];
  });
}

function barLine(window: WindowStatus, cap: number, cells: number): string {
  const share = shareOf(window, cap);
  const full = Math.min(cells, Math.ceil(share * cells));
  const settled = cap === 0 ? 0 : Math.min(full, Math.round((window.settled / cap) * cells));
  // A cent that is spent shows, and so does one that is reserved.
  const solid = Math.max(settled, window.settled > 0 && full > 0 ? 1 : 0);
  const hatched = window.reserved > 0 ? Math.max(full - solid, Math.min(1, cells - solid)) : 0;
  const filled = window.reserved > 0 ? solid : full;
  const style: Style = share >= 1 ? "red" : share >= WARNING_SHARE ? "yellow" : "green";
  return [
    paint(style, "█".repeat(filled)),
    paint("cyan", "▒".repeat(hatched)),
    paint("dim", "░".repeat(Math.max(0, cells - filled - hatched))),
    paint(style, percentage(share).padStart(7)),
  ].join("");
}

/** A cap of 0 is reached before anything is spent. */
function shareOf({ settled, reserved }: WindowStatus, cap: number): number {
  return cap === 0 ? 1 : (settled + reserved) / cap;
}

function percentage(share: number): string {
  if (share > 0 && share < 0.01) return "<1 %";
  // 0.29 / 1 * 100 is 28.999999999999996.
  return `${Math.floor(share * 100 + 1e-6)} %`;
}

function reserved({ unit, reserved }: WindowStatus): string {
  return reserved > 0 ? ` (${amountText(unit, reserved)} reserved)` : "";
}
