import { type ImageSize, imageSize } from "../image-size.ts";

/** Side of the square that is one token, in pixels. */
const PATCH = 28;
/** The most tokens of one picture, since a larger one is made smaller first: up to Claude 4.6, and since. */
const TOKENS_MAX = { standard: 1_568, high: 4_784 };
const IS_STANDARD = /^claude-(instant|[12v]|3-|(opus|sonnet|haiku)-4(-[0-6])?(-\d{8}|-latest|@.*)?$)/;
/** What stands around a picture, and what rounding may add. */
const ALLOWANCE = 16;
/** The most tokens that any known model takes for a picture. */
const UNKNOWN_MODEL_MAX = 36_000;

/**
 * The most tokens of a picture, `data` in base64, null where it is elsewhere
 * (https://platform.claude.com/docs/en/build-with-claude/vision).
 */
export function imageTokensMax(model: string, data: string | null): number {
  if (!model.startsWith("claude-")) return UNKNOWN_MODEL_MAX;
  const most = IS_STANDARD.test(model) ? TOKENS_MAX.standard : TOKENS_MAX.high;
  const size = data === null ? null : imageSize(data);
  return ALLOWANCE + (size === null ? most : Math.min(most, patches(size)));
}

function patches({ width, height }: ImageSize): number {
  return Math.ceil(width / PATCH) * Math.ceil(height / PATCH);
}
