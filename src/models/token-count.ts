import * as v from "valibot";

/** A provider's token figure. Anything else than a count would make money out of nonsense. */
export const tokenCount = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
