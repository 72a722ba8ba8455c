import type { Randomness } from "../../../src/lib/ids.ts";

/** Draws one of several, or a number below a bound, from seeded randomness. */
export interface Dice {
  below(bound: number): number;
  of<T>(choices: readonly T[]): T;
  /** `count` draws, joined. */
  many(count: number, draw: () => string): string;
}

export function diceOf(randomness: Randomness): Dice {
  const below = (bound: number) => Math.floor(randomness.random() * bound);
  return {
    below,
    of<T>(choices: readonly T[]): T {
      return choices[below(choices.length)] as T;
    },
    many: (count, draw) => Array.from({ length: count }, draw).join(""),
  };
}

/** Letters that become up to eleven times as long in NFKC, that split in NFC, and that compose in it. */
const UNSTABLE = [
  "\uFDFA",
  "\uFDFB",
  "\uFB03",
  "\uFB2C",
  "\u{1D160}",
  "\u{1D15E}",
  "\u0958",
  "\u2ADC",
  "\u0344",
  "\u1FA7",
  "\u33AF",
  "\u3300",
  "\u2474",
  "\u213B",
  "\u{1F248}",
  "\uFFDA",
  "\u00BD",
  "\u1E9B\u0323",
  "\u0073\u0323\u0307",
  "\u1100\u1161\u11A8",
  "=\u0338",
];
const JOINED = [
  "\u{1F468}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}",
  "\u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
  "\u{1F44B}\u{1F3FF}",
  "\u{1F1E9}\u{1F1F0}",
  "1\uFE0F\u20E3",
  "\u2764\uFE0F\u200D\u{1F525}",
];
const SPECIAL = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<|im_sep|>",
  "<|fim_prefix|>",
  "<|endofprompt|>",
  "<|start|>assistant",
  "[INST]",
  "<s>",
  "\n\nHuman:",
];
const CODE = [
  "function ",
  "(a, b) => ",
  "{\n    ",
  "}\n",
  "return ",
  "0x1F600",
  ";;",
  "\t\t",
  "// ",
  "/* ",
  "<<=",
  "===",
  "\\u00e9",
  '\\"',
];
const WORDS = [
  "harbour",
  "the",
  " of ",
  "Grüße",
  "naïve",
  "данные",
  "يوم",
  "שלום",
  "ไทย",
  "한국어",
  "日本",
  "  ",
];
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const MARKS = ["\u0301", "\u0327", "\u0489", "\u20DD", "\u05B0", "\u0E48", "\u200D", "\uFE0F", "\u0334"];

/** One generator a kind of text that tokenizers treat oddly; lone surrogates are left as they are. */
export const HOSTILE: Record<string, (dice: Dice) => string> = {
  unstable: (dice) => dice.many(1 + dice.below(30), () => dice.of(UNSTABLE)),
  combining: (dice) =>
    dice.many(1 + dice.below(20), () => `e${dice.many(dice.below(6), () => dice.of(MARKS))}`),
  joined: (dice) => dice.many(1 + dice.below(10), () => dice.of(JOINED)),
  private: (dice) =>
    dice.many(1 + dice.below(30), () =>
      String.fromCodePoint(dice.of([0xe000, 0xf0000, 0x100000]) + dice.below(6_000)),
    ),
  surrogates: (dice) => dice.many(1 + dice.below(30), () => String.fromCharCode(0xd800 + dice.below(0x800))),
  control: (dice) => dice.many(1 + dice.below(40), () => String.fromCharCode(dice.below(0xa0))),
  run: (dice) =>
    dice
      .of([" ", "a", "\n", "=", "0", "\u00A0", "é", "東", "\u0301", "\uFDFA", "\r\n"])
      .repeat(1 + dice.below(120)),
  base64: (dice) => dice.many(1 + dice.below(120), () => BASE64.charAt(dice.below(64))),
  code: (dice) => dice.many(1 + dice.below(25), () => dice.of(CODE)),
  cjk: (dice) =>
    dice.many(1 + dice.below(40), () =>
      String.fromCodePoint(dice.of([0x4e00, 0xac00, 0x3400, 0x20000, 0xf900]) + dice.below(500)),
    ),
  special: (dice) => dice.many(1 + dice.below(8), () => dice.of(SPECIAL)),
  words: (dice) => dice.many(1 + dice.below(30), () => dice.of(WORDS)),
  any: (dice) => dice.many(1 + dice.below(40), () => String.fromCodePoint(dice.below(0x110000))),
};

/** One hostile text; every fourth is several kinds side by side, since what is at a border may join. */
export function hostileText(dice: Dice): string {
  const kinds = Object.values(HOSTILE);
  return dice.many(dice.below(4) === 0 ? 3 : 1, () => dice.of(kinds)(dice));
}
