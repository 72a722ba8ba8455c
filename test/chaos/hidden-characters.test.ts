import { expect, it } from "vitest";
import { deployment, digestConfig, PROCESSES } from "../support/afk.ts";

const HIDDEN = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u00ad\ufeff]|[\u{e0000}-\u{e0fff}]/u;

it(
  "two keys that look the same are one job, and what nobody sees is shown by its code point",
  PROCESSES,
  async () => {
    const target = deployment(digestConfig("http://127.0.0.1:9", { job: { every: undefined } }));
    const add = (key: string) => target.afk(["enqueue", "digest", "--key", key]);
    expect(await add("pr\u00e9lude")).toMatchObject({ code: 0 });
    const again = await add("pre\u0301lude");
    expect(again.stdout).toContain("known already");
    expect(target.query("select key from jobs")).toEqual([{ key: "pr\u00e9lude" }]);
    expect((await target.afk(["jobs", "show", "pre\u0301lude"])).code).toBe(0);

    for (const key of ["prélude\u200b", "prélude\u202e", "prélude\u{e0041}"]) {
      const { code, stdout, stderr } = await add(key);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/U\+(200B|202E|E0041)/);
      expect(stdout + stderr).not.toMatch(HIDDEN);
    }
    expect(target.query("select key from jobs")).toHaveLength(1);

    // What comes in by other ways is not written to a terminal, the log or an alert as it is either.
    await target.afk(["stop", "--reason", "be\u202ecause\u200b of it"]);
    const shown = [
      await target.afk(["status"]),
      await target.afk(["status", "--json"]),
      await target.afk(["logs"]),
    ];
    expect(shown.map(({ stdout, stderr }) => stdout + stderr).join("")).not.toMatch(HIDDEN);
    expect(JSON.parse(shown[1]!.stdout).killed.reason).toBe("be\u202ecause\u200b of it");
    const [alert] = target.query<{ payload: string }>("select payload from alerts where event = 'kill_set'");
    expect(alert?.payload).not.toMatch(HIDDEN);

    target.configure(`agent: "te\u202est"\nbudget: { daily_cap_usd: 1 }\nmodels: { chain: [extractive] }\n`);
    const refused = await target.afk(["tick"]);
    expect(refused).toMatchObject({ code: 78 });
    expect(refused.stderr).toContain("<U+202E>");
    expect(refused.stdout + refused.stderr).not.toMatch(HIDDEN);
  },
);
