import type { Randomness } from "../../../src/lib/ids.ts";

/** Draws one of several, or a number below a bound, from seeded randomness. */
export interface Random {
  below(bound: number): number;
  of<T>(choices: readonly T[]): T;
  /** `count` draws, joined. */
  many(count: number, draw: () => string): string;
}

export function randomFrom(randomness: Randomness): Random {
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
export const HOSTILE: Record<string, (random: Random) => string> = {
  unstable: (random) => random.many(1 + random.below(30), () => random.of(UNSTABLE)),
  combining: (random) =>
    random.many(1 + random.below(20), () => `e${random.many(random.below(6), () => random.of(MARKS))}`),
  joined: (random) => random.many(1 + random.below(10), () => random.of(JOINED)),
  private: (random) =>
    random.many(1 + random.below(30), () =>
      String.fromCodePoint(random.of([0xe000, 0xf0000, 0x100000]) + random.below(6_000)),
    ),
  surrogates: (random) =>
    random.many(1 + random.below(30), () => String.fromCharCode(0xd800 + random.below(0x800))),
  control: (random) => random.many(1 + random.below(40), () => String.fromCharCode(random.below(0xa0))),
  run: (random) =>
    random
      .of([" ", "a", "\n", "=", "0", "\u00A0", "é", "東", "\u0301", "\uFDFA", "\r\n"])
      .repeat(1 + random.below(120)),
  base64: (random) => random.many(1 + random.below(120), () => BASE64.charAt(random.below(64))),
  code: (random) => random.many(1 + random.below(25), () => random.of(CODE)),
  cjk: (random) =>
    random.many(1 + random.below(40), () =>
      String.fromCodePoint(random.of([0x4e00, 0xac00, 0x3400, 0x20000, 0xf900]) + random.below(500)),
    ),
  special: (random) => random.many(1 + random.below(8), () => random.of(SPECIAL)),
  words: (random) => random.many(1 + random.below(30), () => random.of(WORDS)),
  any: (random) => random.many(1 + random.below(40), () => String.fromCodePoint(random.below(0x110000))),
};

/** One hostile text; every fourth is several kinds side by side, since what is at a border may join. */
export function hostileText(random: Random): string {
  const kinds = Object.values(HOSTILE);
  return random.many(random.below(4) === 0 ? 3 : 1, () => random.of(kinds)(random));
}
