import { describe, expect, test } from "vitest";
import { clientsWithoutKey, listKeys, makeKey, revokeKeys } from "../../src/ops/client-keys.ts";
import { testRails, thrown } from "../support/rails.ts";

async function keysOf(...names: string[]) {
  const { store, clock } = await testRails();
  const clients = names.map((name) => ({ name, key: null as string | null, models: null, allow: [] }));
  const config = { gateway: { clients } } as unknown as Parameters<typeof makeKey>[0]["config"];
  return { uses: { store, clock, config }, clients, list: () => listKeys(store.db, config, 100) };
}

describe("keys of clients", () => {
  test("are made for clients of afk.yaml alone", async () => {
    const { uses, list } = await keysOf("laptop");
    const error = await thrown(makeKey(uses, "labtop"));
    expect(error).toMatchObject({ code: "unknown_client", exitCode: 2 });
    expect(error).toHaveProperty(
      "message",
      "gateway.clients in afk.yaml has no labtop. Did you mean laptop?",
    );
    expect(await thrown(makeKey((await keysOf()).uses, "laptop"))).toHaveProperty(
      "message",
      expect.stringContaining("Add it: gateway: { clients: [{ name: laptop }] }"),
    );
    expect(await list()).toEqual([]);
  });

  test("are listed with their ends and their state, those of the file too", async () => {
    const { uses, clients, list } = await keysOf("laptop", "ci");
    clients[1]!.key = "key-of-the-file-0123";
    const first = await makeKey(uses, "laptop");
    uses.clock.advance(1_000);
    const second = await makeKey(uses, "laptop");
    await revokeKeys(uses, "laptop", { hint: first.hint });
    const at = { madeAt: "2026-11-21T10:00:01.000Z", revokedAt: null };
    expect(await list()).toEqual([
      { client: "ci", hint: null, state: "valid", madeAt: null, revokedAt: null },
      { client: "laptop", hint: second.hint, state: "valid", ...at },
      {
        ...{ client: "laptop", hint: first.hint, state: "revoked" },
        ...{ madeAt: "2026-11-21T10:00:00.000Z", revokedAt: at.madeAt },
      },
    ]);
    clients.splice(0, 1);
    expect((await list()).map(({ state }) => state)).toEqual(["valid", "gone", "revoked"]);
  });

  test("are missed where a client has none that is valid", async () => {
    const { uses, clients } = await keysOf("laptop", "ci", "phone");
    clients[1]!.key = "key-of-the-file-0123";
    const { hint } = await makeKey(uses, "laptop");
    const missing = () => clientsWithoutKey(uses.store.db, uses.config);
    expect(await missing()).toEqual(["phone"]);
    await revokeKeys(uses, "laptop", { hint });
    expect(await missing()).toEqual(["laptop", "phone"]);
  });

  test("are revoked by their end, all at once, or alone where there is one", async () => {
    const { uses, list } = await keysOf("laptop", "ci");
    const keys = [
      await makeKey(uses, "laptop"),
      await makeKey(uses, "laptop"),
      await makeKey(uses, "laptop"),
    ];
    const other = await makeKey(uses, "ci");
    const unclear = await thrown(revokeKeys(uses, "laptop", "only"));
    expect(unclear).toMatchObject({ code: "which_key", exitCode: 2 });
    for (const { hint } of keys) expect(unclear).toHaveProperty("message", expect.stringContaining(hint));
    expect(await revokeKeys(uses, "laptop", { hint: keys[1]!.hint })).toEqual([keys[1]!.hint]);
    expect((await revokeKeys(uses, "laptop", "all")).toSorted()).toEqual(
      [keys[0]!.hint, keys[2]!.hint].toSorted(),
    );
    expect(await revokeKeys(uses, "ci", "only")).toEqual([other.hint]);
    expect((await list()).every(({ state }) => state === "revoked")).toBe(true);
  });

  test("that are not there are said, with those that are", async () => {
    const { uses, clients } = await keysOf("laptop", "ci");
    const { hint } = await makeKey(uses, "laptop");
    expect(await thrown(revokeKeys(uses, "laptop", { hint: "%" }))).toHaveProperty(
      "message",
      `laptop has no valid key that ends in % of \`afk key make\`; there are ${hint}`,
    );
    clients[1]!.key = "key-of-the-file-0123";
    expect(await thrown(revokeKeys(uses, "ci", "all"))).toHaveProperty(
      "message",
      "ci has no valid key of `afk key make`; the one in afk.yaml ends when it is taken out there",
    );
  });

  test("of a client that is gone from afk.yaml can still be revoked, so that they stay so when it comes back", async () => {
    const { uses, clients } = await keysOf("laptop");
    const { hint } = await makeKey(uses, "laptop");
    clients.splice(0, 1);
    expect(await revokeKeys(uses, "laptop", "all")).toEqual([hint]);
    expect(await thrown(revokeKeys(uses, "nobody", "all"))).toMatchObject({ code: "unknown_client" });
  });

  test("are bounded in number, and those that were revoked do not count", async () => {
    const { uses } = await keysOf("laptop");
    for (let n = 0; n < 20; n++) await makeKey(uses, "laptop");
    expect(await thrown(makeKey(uses, "laptop"))).toMatchObject({ code: "too_many_keys", exitCode: 1 });
    await revokeKeys(uses, "laptop", "all");
    await makeKey(uses, "laptop");
  });
});
