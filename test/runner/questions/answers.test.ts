import { describe, expect, it } from "vitest";
import { type AnswerVerb, answerByCode } from "../../../src/runner/questions/answer.ts";
import { newCode, readCode } from "../../../src/runner/questions/codes.ts";
import { createRemoteQuestions } from "../../../src/runner/questions/phone-questions.ts";
import { ask } from "../../../src/runner/questions/question.ts";
import type { Trx } from "../../../src/store/schema.ts";
import { alerts, testRails } from "../../support/rails.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A question about a cap of the run `one`, which waits. */
async function asked(message = "May it?") {
  const rails = await testRails();
  const { store, clock } = rails;
  const nowMs = clock.nowMs();
  const detail = { window: "day", amount: "micros", period: "2026-11-21", cap: 100, extra: 100 };
  const question = { kind: "cap", subject: "one", job: "work", message } as const;
  const id = await store.atomically(async (trx) => {
    await insertRun(trx, nowMs);
    return await ask(
      trx,
      { ...question, detail: JSON.stringify(detail), expires_at: nowMs + 24 * HOUR },
      nowMs,
    );
  });
  const phone = createRemoteQuestions(rails);
  const send = async () => {
    const [sent] = await phone.next();
    const code = /\byes (\w+)/.exec(sent?.text ?? "")?.[1] ?? "";
    return { sent, code };
  };
  const answer = (verb: AnswerVerb, code: string) =>
    store.atomically((trx) => answerByCode(trx, rails, { verb, code, by: "phone" }));
  const state = async () =>
    (await store.db.selectFrom("questions").select("state").executeTakeFirstOrThrow()).state;
  const grants = async () => (await store.db.selectFrom("cap_grants").selectAll().execute()).length;
  return { rails, clock, id, phone, send, answer, state, grants };
}

async function insertRun(trx: Trx, at: number): Promise<void> {
  const empty = {
    payload: "null",
    units: 0,
    error: null,
    waiting_since: null,
    lease_until: null,
    runner: null,
  };
  const run = {
    id: "1",
    key: "one",
    name: "work",
    kind: "work",
    label: "l",
    state: "ready",
    by_hand: 0,
  } as const;
  const numbers = { attempts: 0, max_attempts: 5, token: 0, run_at: at + 24 * HOUR, slot_at: at };
  await trx
    .insertInto("jobs")
    .values({ ...run, ...empty, ...numbers, created_at: at, updated_at: at })
    .execute();
}

describe("a code", () => {
  it("is eight characters that do not look like others, of 38 bits, and never the same", () => {
    const codes = Array.from({ length: 2_000 }, newCode);
    for (const code of codes) expect(code).toMatch(/^[2-9ACDEFGHJKMNPQRTVWXY]{8}$/);
    expect(new Set(codes).size).toBe(codes.length);
    const letters = new Set(codes.join(""));
    expect(Math.log2(letters.size ** 8)).toBeGreaterThan(38);
    expect(readCode("k7m2-q9xd ")).toBe("K7M2Q9XD");
  });

  it("is in the message whatever the message holds: services cut off what is too long", async () => {
    const { sent, code } = await (await asked("漢".repeat(1_500))).send();
    expect(code).toHaveLength(8);
    expect(Buffer.byteLength(sent?.text ?? "")).toBeLessThanOrEqual(4_096);
  });

  it("is made when its question is sent, is in no table and no alert, and ends with the next sending", async () => {
    const { rails, clock, phone, id, send, answer, state } = await asked();
    const first = await send();
    expect(first.sent).toMatchObject({
      id,
      actions: [
        { label: "Yes", message: `yes ${first.code}` },
        { label: "No", message: `no ${first.code}` },
      ],
    });
    expect(await phone.next()).toEqual([]);
    const rows = JSON.stringify(await rails.store.db.selectFrom("questions").selectAll().execute());
    expect(rows).not.toContain(first.code);

    clock.advance(MINUTE);
    const second = await send();
    expect(second.code).not.toBe(first.code);
    await phone.sent(id);
    clock.advance(MINUTE);
    expect(await phone.next()).toEqual([]);
    expect((await answer("yes", first.code)).text).toBe("That is no valid code; nothing was done.");
    expect(await state()).toBe("open");
    expect(await answer("yes", second.code.toLowerCase())).toMatchObject({ isTaken: true });
    expect(JSON.stringify(await alerts(rails))).not.toContain(second.code);
  });

  it("is used once, and says when it was used", async () => {
    const { clock, send, answer, state, grants } = await asked();
    const { code } = await send();
    expect(await answer("yes", code)).toMatchObject({ isTaken: true });
    clock.advance(HOUR);
    for (const verb of ["yes", "no"] as const)
      expect(await answer(verb, code)).toEqual({
        isTaken: false,
        text: "That was answered with yes on Sat 21 Nov 10:00 by phone; nothing more was done.",
      });
    expect([await state(), await grants()]).toEqual(["yes", 1]);
  });

  it("answers its own kind of question alone, and is not used up by another verb", async () => {
    const { send, answer, state } = await asked();
    const { code } = await send();
    expect(await answer("approve", code)).toMatchObject({ isTaken: false });
    expect(await state()).toBe("open");
    expect(await answer("no", code)).toMatchObject({ isTaken: true });
    expect(await state()).toBe("no");
  });

  it("is worth nothing once its time is up", async () => {
    const { clock, send, answer, state, grants } = await asked();
    const { code } = await send();
    clock.advance(24 * HOUR);
    expect((await answer("yes", code)).text).toMatch(/^The time to answer was over on Sun 22 Nov 10:00/);
    expect([await state(), await grants()]).toEqual(["expired", 0]);
  });
});

describe("wrong codes", () => {
  it("are answered alike, and after five within an hour none is looked at for an hour, the right one neither", async () => {
    const { rails, clock, send, answer, state } = await asked();
    const { code } = await send();
    const texts = new Set<string>();
    for (const wrong of ["AAAA2222", "22", "K7M2Q9XD", `${code}2`, code.slice(1)]) {
      texts.add((await answer("yes", wrong)).text);
      clock.advance(MINUTE);
    }
    expect(texts).toEqual(new Set(["That is no valid code; nothing was done."]));
    expect(await alerts(rails, "remote_refused")).toHaveLength(1);
    expect((await answer("yes", code)).text).toMatch(
      /^Too many wrong codes: none is taken until Sat 21 Nov 11:04\./,
    );
    expect(await state()).toBe("open");
    clock.advance(58 * MINUTE);
    expect(await answer("yes", code)).toMatchObject({ isTaken: false });
    clock.advance(MINUTE);
    expect(await answer("yes", code)).toMatchObject({ isTaken: true });
  });

  it("far apart refuse nothing", async () => {
    const { clock, send, answer } = await asked();
    const { code } = await send();
    for (let n = 0; n < 8; n++) {
      await answer("yes", "AAAA2222");
      clock.advance(16 * MINUTE);
    }
    expect(await answer("yes", code)).toMatchObject({ isTaken: true });
  });
});
