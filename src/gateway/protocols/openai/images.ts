import { type ImageSize, imageSize } from "../image-size.ts";

/**
 * How OpenAI's models count a picture (https://developers.openai.com/api/docs/guides/images-vision): tiles of 512 pixels after
 * fitting it into 2,048 with a short side of 768, or patches of 32 pixels up to a number that goes by the detail.
 */
type Formula =
  | { type: "tiles"; base: number; tile: number }
  | { type: "patches"; factor: number; most: Record<Detail, number> };

const DETAILS = ["low", "high", "original", "auto"] as const;
type Detail = (typeof DETAILS)[number];

const TILES_MAX = 8;
const PATCHES_MAX = 30_000;
const [OLDER, SPARSE, FULL, WHOLE] = [
  { low: 6144, high: 6144, original: PATCHES_MAX, auto: 6144 },
  { low: 6144, high: 2500, original: 10_000, auto: 2500 },
  { low: 256, high: 2500, original: 10_000, auto: 10_000 },
  { low: 256, high: 2500, original: PATCHES_MAX, auto: PATCHES_MAX },
];

const FORMULAS: readonly [models: RegExp, formula: Formula][] = [
  [/^gpt-4o-mini$/, { type: "tiles", base: 2833, tile: 5667 }],
  [/^gpt-4(o|\.1|-turbo)$/, { type: "tiles", base: 85, tile: 170 }],
  [/^gpt-5(\.1)?$/, { type: "tiles", base: 70, tile: 140 }],
  [/^o(1|1-pro|3)$/, { type: "tiles", base: 75, tile: 150 }],
  [/^gpt-4\.1-mini$/, { type: "patches", factor: 1.62, most: OLDER }],
  [/^gpt-5\.2$/, { type: "patches", factor: 1.2, most: OLDER }],
  [/^gpt-5\.4(-mini|-nano)?$/, { type: "patches", factor: 1.2, most: SPARSE }],
  [/^gpt-5\.5$/, { type: "patches", factor: 1.2, most: FULL }],
  [/^gpt-(5\.6-(sol|terra|luna)|6-astra)$/, { type: "patches", factor: 1.2, most: WHOLE }],
];

/** The most that any of these models counts for one picture. */
const TOKENS_MAX = Math.max(
  ...FORMULAS.flatMap(([, formula]) => DETAILS.map((detail) => tokensOf(formula, detail, null))),
);

/** The most tokens of input that a picture is. `base64` null: it is somewhere else, so its size is unknown. */
export function imageTokensMax(model: string, detail: unknown, base64: string | null): number {
  const family = model.replace(/^.*\//, "").replace(/-\d{4}-\d{2}-\d{2}$/, "");
  const formula = FORMULAS.find(([models]) => models.test(family))?.[1];
  const known = DETAILS.find((each) => each === (detail ?? "auto"));
  if (formula === undefined || known === undefined) return TOKENS_MAX;
  // A model of tiles that is asked for more detail than it has may count by another rule.
  if (formula.type === "tiles" && known === "original") return TOKENS_MAX;
  return tokensOf(formula, known, base64 === null ? null : imageSize(base64));
}

function tokensOf(formula: Formula, detail: Detail, size: ImageSize | null): number {
  if (formula.type === "patches") {
    const { factor, most } = formula;
    const patches = size === null ? PATCHES_MAX : Math.ceil(size.width / 32) * Math.ceil(size.height / 32);
    return Math.ceil(factor * Math.min(patches, most[detail]));
  }
  const { base, tile } = formula;
  return detail === "low" ? base : base + tile * (size === null ? TILES_MAX : tilesOf(size));
}

function tilesOf({ width, height }: ImageSize): number {
  const scale = Math.min(1, 2048 / Math.max(width, height), 768 / Math.min(width, height));
  return Math.min(TILES_MAX, Math.ceil((width * scale) / 512) * Math.ceil((height * scale) / 512));
}
