import { expect, test } from "vitest";
import { ownText } from "../../../../src/jobs/sources/mail/own-text.ts";

test.each([
  [
    "a reply above the quotation",
    "Yes, on Friday.\n\nOn 28 Nov 2026, A wrote:\n> Shall we?\n> A\n",
    "Yes, on Friday.",
  ],
  ["replies between quotations", "> one?\nYes.\n> two?\nNo.", "Yes.\nNo."],
  ["a signature", "One.\n--\nA. Name\nA street", "One."],
  ["a quotation and no more", "> all of it\n> is quoted", "> all of it\n> is quoted"],
  ["a line that an mbox has marked", ">From now on it is on.", ">From now on it is on."],
  ["a sentence that ends in a colon", "Bring these 3:\nrope, tar\n", "Bring these 3:\nrope, tar"],
])("leaves out of a mail what an earlier one said: %s", (_, mail, own) => {
  expect(ownText(mail).trim()).toBe(own);
});

test("leaves out the line that names who wrote it where the address stands in angle brackets", () => {
  const text = "It is down again.\n\nOn Thu, 19 Nov 2026, Ops <ops@example.org> wrote:\n> Is it up?\n";
  expect(ownText(text).trim()).toBe("It is down again.");
});
