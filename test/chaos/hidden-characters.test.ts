import { expect, it } from "vitest";
import { deployment, digestConfig, PROCESSES } from "../support/afk.ts";
import { cases, patience, report } from "../support/chaos.ts";

const HIDDEN = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u00ad\ufeff]|[\u{e0000}-\u{e0fff}]/u;

/** Without width, turning the direction of writing, blank, or a line of its own. */
const UNSEEN = [
  ...[
    0x200b, 0x202e, 0xe0041, 0x00ad, 0x034f, 0x061c, 0x115f, 0x180e, 0x200d, 0x200f, 0x2028, 0x202a, 0x2060,
  ],
  ...[0x2066, 0x2069, 0x2800, 0x3164, 0xa0, 0x3000, 0xfe0f, 0xfeff, 0xffa0, 0x1d173, 0xe0020, 0xe000],
];

it(
  "two keys that look the same are one job, and what nobody sees is shown by its code point",
  async () => {
    const target = deployment(digestConfig("http://127.0.0.1:9", { job: { every: undefined } }));
    const add = (key: string) => target.afk(["enqueue", "digest", "--key", key]);
    expect(await add("pr\u00e9lude")).toMatchObject({ code: 0 });
    const again = await add("pre\u0301lude");
    expect(again.stdout).toContain("known already");
    expect(target.query("select key from jobs")).toEqual([{ key: "pr\u00e9lude" }]);
    expect((await target.afk(["jobs", "show", "pre\u0301lude"])).code).toBe(0);

    const unseen = UNSEEN.slice(0, cases({ test: 3, chaos: UNSEEN.length }));
    for (const point of unseen) {
      const { code, stdout, stderr } = await add(`prélude${String.fromCodePoint(point)}`);
      expect(code).not.toBe(0);
      expect(stderr).toContain(`U+${point.toString(16).toUpperCase().padStart(4, "0")}`);
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
    report("characters that nobody sees", unseen.length);
  },
  patience({ test: PROCESSES.timeout, chaos: 300_000 }),
);
