import { oneLine } from "../lib/text.ts";
import { costMicros } from "./estimate.ts";
import type { Figures, Price, UnknownCost, Usage } from "./types.ts";

/** The model that was asked, as far as it matters that another one answered. */
export interface AskedModel {
  reference: string;
  price: Price;
  /** The price of another model of the same provider that bills a part of the call; none is known where it is left out. */
  priceOf?: (model: string) => Price | null;
  /** The same of one that answered in the place of this one. */
  otherPriceOf?: (model: string) => Price | null;
  /** The server's name in `ProviderType.serverOf`; null or left out for one that is not known. */
  server?: string | null;
}

/** The figures of a reply with the model that it names, where that is another than was asked. */
export function answeredBy(figures: Figures, named: unknown, asked: string): Figures {
  if ("unknown" in figures || typeof named !== "string" || named === "" || named === asked) return figures;
  return { ...figures, answeredBy: named.slice(0, 200) };
}

/** What a call cost in micro-dollars; where another model answered than was asked, by the dearer of the two prices. */
export function answeredMicros(asked: AskedModel, usage: Usage): number | UnknownCost {
  const { price, priceOf, otherPriceOf, reference } = asked;
  const micros = costMicros(usage, price, priceOf);
  const { answeredBy: named } = usage;
  if (typeof micros !== "number" || named === undefined) return micros;
  const other = otherPriceOf?.(named) ?? null;
  if (other === null) return isAtAskedPrice(asked, named, usage) ? micros : otherModel(reference, named);
  const others = costMicros(usage, other, priceOf);
  return typeof others === "number" ? Math.max(micros, others) : others;
}

/** Whether a reply that names a model without a price is known to cost no more than what was asked, or than it says itself. */
function isAtAskedPrice({ reference, server }: AskedModel, named: string, usage: Usage): boolean {
  // A deployment has the name that its owner gave it, and replies have the model's; no request can change which it is.
  if (server === "azure") return true;
  // What it bills is in its figures, and the request bounds the price.
  if (server === "openrouter" && usage.statedMicros !== undefined) return true;
  return isSameModel(reference.slice(reference.indexOf("/") + 1), named);
}

/** Servers that choose a model themselves may choose one that costs a hundred times as much. */
function otherModel(reference: string, named: string): UnknownCost {
  const other = `${reference.slice(0, reference.indexOf("/"))}/${oneLine(named, 100)}`;
  const unknown =
    `the model that answered is ${other}, whose price is not known; state it in afk.yaml under models.prices: ` +
    `"${other}": { input: …, output: … }`;
  return { unknown, hasOtherPrices: true };
}

/** What a name may end in without being another model: `latest`, where it runs, the day or the number of its version. */
const VERSION =
  /[-:@](latest|cloud|0|0\d\d|20\d{6}|20\d\d-\d\d-\d\d|(preview-)?\d\d-(\d\d|20\d\d)|(0[1-9]|1[0-2])[0-3]\d|2\d(0[1-9]|1[0-2]))$/;

/** Whether two names are of one model: in another case, with a provider before it or a version behind it. */
export function isSameModel(asked: string, named: string): boolean {
  const [one, other] = [plainName(asked), plainName(named)];
  return (
    one !== "" &&
    other !== "" &&
    (one === other || `/${one}`.endsWith(`/${other}`) || `/${other}`.endsWith(`/${one}`))
  );
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(".", "-").replace(VERSION, "");
}
