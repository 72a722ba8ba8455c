import { expect, it } from "vitest";
import { imageTokensMax } from "../../../../src/gateway/protocols/openai/images.ts";
import { bound, PRICED } from "./asked.ts";

/** So much of a picture that its size can be read. */
const PNG = (width: number, height: number): string => {
  const head = Buffer.alloc(33);
  Buffer.from("89504e470d0a1a0a0000000d49484452", "hex").copy(head);
  head.writeUInt32BE(width, 16);
  head.writeUInt32BE(height, 20);
  return head.toString("base64");
};
const GIF = (width: number, height: number): string => {
  const head = Buffer.from("GIF89a\0\0\0\0\0\0\0", "latin1");
  head.writeUInt16LE(width, 6);
  head.writeUInt16LE(height, 8);
  return head.toString("base64");
};
const JPEG = (width: number, height: number): string => {
  const head = Buffer.from(
    "ffd8ffe000104a46494600010100000100010000ffc0001108000000000301220002110103110100",
    "hex",
  );
  head.writeUInt16BE(height, 25);
  head.writeUInt16BE(width, 27);
  return head.toString("base64");
};

const DEAREST = 48_600;

it.each([
  ["gpt-4o", "high", PNG(1024, 1024), 85 + 4 * 170],
  ["gpt-4o", "high", GIF(512, 512), 85 + 8 * 170],
  ["gpt-4o", "high", JPEG(2048, 4096), 85 + 6 * 170],
  ["gpt-4o", "auto", PNG(4096, 4096), 85 + 4 * 170],
  ["gpt-4o", undefined, PNG(10_000, 100), 85 + 4 * 170],
  ["gpt-4o", "low", PNG(4096, 4096), 85],
  ["gpt-4o", "high", null, 85 + 8 * 170],
  ["openai/gpt-4o-2024-08-06", "high", PNG(512, 512), 85 + 170],
  ["gpt-4o-mini", "high", null, 2833 + 8 * 5667],
  ["gpt-5", "high", PNG(512, 512), 70 + 140],
  ["o3", "high", PNG(512, 512), 75 + 150],
  ["gpt-5.4", "auto", PNG(320, 320), 120],
  ["gpt-5.4", "auto", PNG(10_000, 10_000), 3000],
  ["gpt-5.4", "original", PNG(10_000, 10_000), 12_000],
  ["gpt-5.5", "auto", null, 12_000],
  ["gpt-5.6-sol", undefined, null, 36_000],
  ["gpt-5.6-sol", "low", PNG(10_000, 10_000), 308],
  ["gpt-4.1-mini", "high", PNG(320, 320), 162],
  ["gpt-4o", "original", PNG(16, 16), DEAREST],
  ["gpt-4o", "of tomorrow", PNG(16, 16), DEAREST],
  ["gpt-5.5", 7, PNG(16, 16), DEAREST],
  ["of tomorrow", "low", PNG(16, 16), DEAREST],
])("%s counts a picture in the detail %s", (model, detail, base64, tokens) => {
  expect(imageTokensMax(model, detail, base64)).toBe(tokens);
});

it.each([
  ["text", Buffer.from("hello").toString("base64")],
  ["a vector picture", Buffer.from('<svg width="1" height="1"/>').toString("base64")],
  ["a picture without a size", PNG(0, 0)],
  ["the beginning of one", PNG(16, 16).slice(0, 20)],
  ["a kind that no model takes", Buffer.from("424d00000000000000000000", "hex").toString("base64")],
  ["nothing", ""],
  ["no base64", "%%%"],
])("takes %s for the largest", (_name, base64) => {
  expect(imageTokensMax("gpt-4o", "high", base64)).toBe(85 + 8 * 170);
});

const model = { ...PRICED, model: "gpt-4o" };
const data = `data:image/png;base64,${PNG(512, 512)}${"A".repeat(40_000)}`;
const tokensOf = (path: string, said: object) =>
  bound(path, { max_tokens: 1, max_output_tokens: 1, ...said }, model).estimateTokens;

it.each([
  [
    "chat/completions",
    {
      messages: [
        { role: "user", content: [{ type: "image_url", image_url: { url: data, detail: "high" } }] },
      ],
    },
  ],
  ["chat/completions", { messages: [{ role: "user", content: [{ type: "image_url", image_url: data }] }] }],
  [
    "responses",
    { input: [{ role: "user", content: [{ type: "input_image", image_url: data, detail: "high" }] }] },
  ],
  [
    "responses",
    {
      input: [
        { type: "function_call_output", call_id: "c", output: [{ type: "input_image", image_url: data }] },
      ],
    },
  ],
  [
    "responses",
    {
      input: [
        {
          type: "computer_call_output",
          call_id: "c",
          output: { type: "computer_screenshot", image_url: data },
        },
      ],
    },
  ],
])("counts a picture by its size in place of its bytes: %s %#", (path, said) => {
  const tokens = tokensOf(path, said);
  expect(tokens).toBeGreaterThan(255);
  expect(tokens).toBeLessThan(700);
});

it("counts one that lies elsewhere as the largest", () => {
  const small = `data:image/png;base64,${PNG(16, 16)}`;
  const of = (image: object) =>
    tokensOf("responses", { input: [{ role: "user", content: [{ type: "input_image", ...image }] }] });
  for (const image of [
    { image_url: "https://example.com/a.png" },
    { file_id: "file-1" },
    {},
    { image_url: small, file_id: "file-1" },
  ]) {
    expect(of(image)).toBeGreaterThan(85 + 8 * 170);
    expect(of(image)).toBeLessThan(85 + 8 * 170 + 400);
  }
});

it("adds several up, and cuts none twice", () => {
  const part = { type: "image_url", image_url: { url: data } };
  const one = tokensOf("chat/completions", { messages: [{ role: "user", content: [part] }] });
  const three = tokensOf("chat/completions", { messages: [{ role: "user", content: [part, part, part] }] });
  expect(three - one).toBeGreaterThan(2 * 255);
  expect(three - one).toBeLessThan(2 * 255 + 300);
});

it("does not believe a data address that is no base64", () => {
  const url = `data:image/svg+xml,${"<".repeat(5000)}`;
  expect(
    tokensOf("chat/completions", {
      messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }],
    }),
  ).toBeGreaterThan(5000 + 85 + 8 * 170);
});
