import { PRICES_DATE } from "../../providers/prices.ts";
import { type Examination, ok, type WithConfig } from "./check.ts";

/** An unpriced model has been refused with the configuration; what can still be wrong is the age of the snapshot. */
export const prices: Examination<WithConfig> = {
  group: "money",
  name: "prices",
  look: () => [ok("prices", `known for every model of the chain (snapshot of ${PRICES_DATE})`)],
};
