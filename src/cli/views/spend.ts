import { formatUsd, MICROS_PER_USD } from "../../lib/money.ts";
import type { WindowStatus } from "../../ops/status.ts";
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
    if (window.capUsd === null) return [{ label, text: `${figures(window)}, no cap` }];
    const bar = barLine(window, window.capUsd, cells);
    const amounts = `${figures(window)} of ${dollars(window.capUsd)}${reserved(window)}`;
    if (!isNarrow) return [{ label, text: `${bar}  ${amounts}` }];
    return [
      { label, text: bar },
      { label: "", text: amounts },
    ];
  });
}

function barLine(window: WindowStatus, capUsd: number, cells: number): string {
  const share = shareOf(window, capUsd);
  const full = Math.min(cells, Math.ceil(share * cells));
  const settled = capUsd === 0 ? 0 : Math.min(full, Math.round((window.settledUsd / capUsd) * cells));
  // A cent that is spent shows, and so does one that is reserved.
  const solid = Math.max(settled, window.settledUsd > 0 && full > 0 ? 1 : 0);
  const hatched = window.reservedUsd > 0 ? Math.max(full - solid, Math.min(1, cells - solid)) : 0;
  const filled = window.reservedUsd > 0 ? solid : full;
  const style: Style = share >= 1 ? "red" : share >= WARNING_SHARE ? "yellow" : "green";
  return [
    paint(style, "█".repeat(filled)),
    paint("cyan", "▒".repeat(hatched)),
    paint("dim", "░".repeat(Math.max(0, cells - filled - hatched))),
    paint(style, percentage(share).padStart(7)),
  ].join("");
}

/** A cap of 0 is reached before anything is spent. */
function shareOf({ settledUsd, reservedUsd }: WindowStatus, capUsd: number): number {
  return capUsd === 0 ? 1 : (settledUsd + reservedUsd) / capUsd;
}

function percentage(share: number): string {
  if (share > 0 && share < 0.01) return "<1 %";
  // 0.29 / 1 * 100 is 28.999999999999996.
  return `${Math.floor(share * 100 + 1e-6)} %`;
}

function figures({ settledUsd, reservedUsd }: WindowStatus): string {
  return dollars(settledUsd + reservedUsd);
}

function reserved({ reservedUsd }: WindowStatus): string {
  return reservedUsd > 0 ? ` (${dollars(reservedUsd)} reserved)` : "";
}

function dollars(usd: number): string {
  return formatUsd(Math.round(usd * MICROS_PER_USD));
}
