import type { NumberSettings } from "./settings.ts";

/** What a run knew of the number: it is compared with the last one told of, or small steps would never be told. */
export interface Known {
  value: number;
  told: number;
  /** Which of the limits it was beyond. */
  isBelow: boolean;
  isAbove: boolean;
}

const LOOKED_AT = 20_000;
/** Digits in groups, and what may stand between them. A sign counts where no word or number is before it. */
const CANDIDATE = /(?<![\p{L}\p{N}][-−]?)[-−]?\d{1,30}(?:[.,'’\s]\d{1,30}){0,10}/gu;

/**
 * The first number of a text as people write it: `1.299,00 €`, `1,299.00`, `$1.299`, `1 299,-`. One mark before three digits
 * is that of thousands unless `decimal` says otherwise; dates and versions are none. Null where there is none.
 */
export function firstNumber(text: string, decimal?: "." | ","): number | null {
  for (const [candidate] of text.slice(0, LOOKED_AT).replace(/\n/g, " | ").matchAll(CANDIDATE)) {
    // Two numbers side by side, `12 300000`, are not one: only groups of three follow a space.
    const value = numberOf(candidate, decimal) ?? numberOf(candidate.split(/\s/, 1)[0] ?? "", decimal);
    if (value !== null) return value;
  }
  return null;
}

function numberOf(written: string, decimal?: "." | ","): number | null {
  const digits = written.replace("−", "-").replace(/[’]/g, "'").replace(/\s/g, " ");
  const mark = decimal ?? decimalMark(digits);
  const [whole = "", fraction, ...rest] = mark === null ? [digits] : digits.split(mark);
  if (rest.length > 0 || (fraction !== undefined && !/^\d+$/.test(fraction))) return null;
  const separators = new Set(whole.replace(/[\d-]/g, ""));
  if (separators.size > 1 || (separators.size === 1 && !/^-?\d{1,3}(?:[^\d]\d{3})+$/.test(whole)))
    return null;
  const value = Number(`${whole.replace(/[^\d-]/g, "")}.${fraction ?? "0"}`);
  return Number.isFinite(value) ? value : null;
}

/** Of two kinds of marks the last; of one kind the one that stands alone and not before three digits, or behind a zero. */
function decimalMark(digits: string): "." | "," | null {
  const marks = digits.match(/[.,]/g) ?? [];
  const last = marks.at(-1);
  if (last !== "." && last !== ",") return null;
  if (new Set(marks).size > 1) return last;
  if (marks.length > 1) return null;
  const isGroup = /^-?[1-9]\d{0,2}(?:[' ]\d{3})*[.,]\d{3}$/.test(digits) && !/[' ]/.test(digits);
  return isGroup ? null : last;
}

/** What to say of the number, null for nothing; and what to know of it next time. */
export function watchNumber(
  value: number,
  before: Known | null,
  { below, above, changesBy }: NumberSettings,
): { news: string | null; known: Known } {
  const isBelow = below !== undefined && value < below;
  const isAbove = above !== undefined && value > above;
  const reasons = [
    ...(isBelow && before?.isBelow !== true ? [`below ${below}`] : []),
    ...(isAbove && before?.isAbove !== true ? [`above ${above}`] : []),
    ...(before !== null && hasChanged(value, before.told, changesBy, below ?? above)
      ? [changeOf(value, before.told)]
      : []),
  ];
  const told = reasons.length > 0 || before === null ? value : before.told;
  return { news: reasons.length === 0 ? null : reasons.join(", "), known: { value, told, isBelow, isAbove } };
}

function hasChanged(
  value: number,
  told: number,
  by: string | number | undefined,
  limit: number | undefined,
): boolean {
  if (by === undefined) return limit === undefined && value !== told;
  const step = typeof by === "number" ? by : (Math.abs(told) * Number.parseFloat(by)) / 100;
  return value !== told && Math.abs(value - told) >= step;
}

function changeOf(value: number, told: number): string {
  const share =
    told === 0
      ? ""
      : ` (${value > told ? "+" : "−"}${Math.round((1_000 * Math.abs(value - told)) / Math.abs(told)) / 10} %)`;
  return `was ${told}${share}`;
}
