import { Forbidden } from "../forbidden.ts";

/** Far beyond what any model takes, and small enough to reckon with. */
const MOST = 10_000_000;

/**
 * A limit as a client states it, null where it states none.
 * @throws Forbidden for what one server may read as another number than the next.
 */
export function wholeNumber(value: unknown, param: string): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MOST) return value;
  throw new Forbidden(
    param,
    `${param} must be a whole number, so that the cost of the request has a bound. Send it as one.`,
  );
}
