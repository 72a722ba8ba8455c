import { describe, expect, test } from "vitest";
import { type Capture, captureFirst, captureLast } from "../../../src/jobs/containment/capture.ts";

function fed(capture: Capture, text: string | Uint8Array, chunkBytes: number) {
  const bytes = Buffer.from(text as string);
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    capture.write(bytes.subarray(start, start + chunkBytes));
  }
  return capture.read();
}

const CHUNKS = [1, 2, 3, 7, 10, 11, 100];

describe.each(CHUNKS)("in chunks of %i bytes", (chunk) => {
  test("what fits is kept as it is", () => {
    const whole = { text: "\uFEFF0€9ü", bytes: 10, isCut: false };
    expect(fed(captureFirst(10), "\uFEFF0€9ü", chunk)).toEqual(whole);
    expect(fed(captureLast(10), "\uFEFF0€9ü", chunk)).toEqual(whole);
  });

  test("the first bytes are kept, or the last", () => {
    const digits = "0123456789abcdefghijklmnopqrstuvwxyz";
    expect(fed(captureFirst(10), digits, chunk)).toEqual({ text: "0123456789", bytes: 36, isCut: true });
    expect(fed(captureLast(10), digits, chunk)).toEqual({ text: "qrstuvwxyz", bytes: 36, isCut: true });
  });

  test("a character that the bound splits is left out", () => {
    expect(fed(captureFirst(10), "012345678€9", chunk)).toEqual({
      text: "012345678",
      bytes: 13,
      isCut: true,
    });
    expect(fed(captureLast(10), "0€12345678", chunk)).toEqual({
      text: "€12345678".slice(1),
      bytes: 12,
      isCut: true,
    });
  });
});

test("nothing is an empty text", () => {
  for (const capture of [captureFirst(10), captureLast(10)])
    expect(capture.read()).toEqual({ text: "", bytes: 0, isCut: false });
});

test("bytes that are no UTF-8 become replacement characters", () => {
  expect(fed(captureFirst(10), Uint8Array.of(0x61, 0xff, 0x62), 1).text).toBe("a\uFFFDb");
  expect(fed(captureFirst(10), Uint8Array.of(0x61, 0xe2, 0x82), 1).text).toBe("a\uFFFD");
});

test("both streams together fit a step, whatever they hold", () => {
  const bytesMax = 1024 * 1024;
  for (const filling of ["\0", "\x7f\x01", "\uFFFF", '"\\', "\n"]) {
    const text = filling.repeat(bytesMax);
    const [first, last] = [captureFirst(bytesMax), captureLast(bytesMax)].map((capture) =>
      fed(capture, text, 65_536),
    );
    const json = JSON.stringify({ stdout: first!.text, stderr: last!.text });
    expect(Buffer.byteLength(json)).toBeLessThan(4 * 1024 * 1024 - 10_000);
    expect(first!.isCut && last!.isCut).toBe(true);
  }
});

test("ordinary text of the largest bound is kept whole", () => {
  const text = "A line of a report, with a number: 42.\n".repeat(26_000);
  expect(fed(captureFirst(1024 * 1024), text, 65_536)).toEqual({ text, bytes: text.length, isCut: false });
});
