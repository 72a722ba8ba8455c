import { imageSize as read } from "image-size";

/** Width and height in pixels. */
export interface ImageSize {
  width: number;
  height: number;
}

/** So much of a picture is decoded to find its size; where that is not enough the size is unknown. */
const HEAD_CHARACTERS = 262_144;
/**
 * How the kinds that models take begin; for no other is the library asked, whose readers of rarer kinds are no use here. GIF is
 * left out: its frames may be larger than it says.
 */
const BEGINNINGS = ["\x89PNG", "\xff\xd8\xff", "RIFF"];

/** The size that a picture in base64 states of itself; null where it cannot be told. */
export function imageSize(base64: string): ImageSize | null {
  // Readers differ in what they make of other characters: one might see another picture than the next.
  if (/[^A-Za-z0-9+/=\s]/.test(base64.slice(0, HEAD_CHARACTERS))) return null;
  const head = Buffer.from(base64.slice(0, HEAD_CHARACTERS), "base64");
  const beginning = head.toString("latin1", 0, 4);
  if (!BEGINNINGS.some((each) => beginning.startsWith(each))) return null;
  try {
    const { width, height } = read(head);
    return width > 0 && height > 0 ? { width, height } : null;
  } catch {
    return null;
  }
}
