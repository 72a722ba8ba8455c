import { expect, it } from "vitest";
import { receiver } from "../alerts/receiver.ts";
import { deployment, PROCESSES } from "../support/afk.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";
import { leaksOf, locationsOf, rawBytes } from "./support/locations.ts";

/** Of four characters and more: written under a name that says secret, or taken from the environment. */
const LITERAL = {
  GITHUB_TOKEN: "ab12",
  apiKey: "x9!z",
  DB_PASSWORD: "swan",
  AUTH_HEADER: "20267",
  PRIVATE_PEM: "quokka",
};
const FROM_ENVIRONMENT = "zq+9x";
type Secrets = Record<keyof typeof LITERAL | "FROM_ENVIRONMENT", string>;
/** Labels of a host have at most 63 characters: no name server is asked for it. */
const HOST = `${"h".repeat(64)}.private-host.test`;

it(
  "a command that fails with its secrets tells nobody, however short they are",
  async () => {
    const rounds = cases({ test: 1, chaos: 30 });
    const { random } = seededRandomness(chaosSeed("short secrets"));
    let locations = await attack({ ...LITERAL, FROM_ENVIRONMENT });
    for (let round = 1; round < rounds; round++) locations = await attack(anySecrets(random));
    report("short secrets", rounds * Object.keys(LITERAL).length, `${locations} locations`);
  },
  patience({ test: PROCESSES.timeout, chaos: 900_000 }),
);

/** Four to nine characters, with some that shells and patterns might act on; none that an id or a size could hold. */
function anySecrets(random: () => number): Secrets {
  const of = (text: string) => text[Math.floor(random() * text.length)];
  const any = () =>
    of("!+~%") + Array.from({ length: 3 + Math.floor(random() * 6) }, () => of("abkz059!+~%.")).join("");
  return {
    ...{ GITHUB_TOKEN: any(), apiKey: any(), DB_PASSWORD: any(), AUTH_HEADER: any(), PRIVATE_PEM: any() },
    FROM_ENVIRONMENT: any(),
  };
}

/** Returns in how many locations it was looked for them. */
async function attack({ FROM_ENVIRONMENT, ...literal }: Secrets): Promise<number> {
  const hook = await receiver();
  const target = deployment();
  target.configure({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    alerts: [
      { type: "webhook", url: hook.url },
      { type: "ntfy", url: `https://${HOST}/top` },
      { type: "ntfy", url: `https://second.${HOST}/top` },
    ],
    heartbeat: { ping_url: `https://ping.${HOST}/id` },
    jobs: [
      {
        name: "leaky",
        kind: "exec",
        every: "1d",
        retry: { attempts: 1 },
        // biome-ignore lint/suspicious/noTemplateCurlyInString: afk.yaml reads the environment so.
        env: { ...literal, PLAIN: "harbour", GIVEN: "${FROM_ENVIRONMENT}" },
        command: [
          "/bin/sh",
          "-c",
          'echo "at the harbour with $GITHUB_TOKEN $apiKey $DB_PASSWORD $AUTH_HEADER $PRIVATE_PEM $GIVEN" >&2; exit 3',
        ],
      },
    ],
  });
  const environment = { FROM_ENVIRONMENT };
  const told: Record<string, string> = {};
  const words = [
    ["tick"],
    ["status"],
    ["status", "--json"],
    ["dead", "list", "--json"],
    ["jobs", "list", "--json"],
    ["incidents", "list", "--json"],
    ["logs"],
    ["logs", "--json"],
    ["doctor"],
    ["doctor", "--json"],
    ["release", "--reason", `because of ${literal.GITHUB_TOKEN}`],
  ];
  for (const each of words) {
    const { stdout, stderr } = await target.afk(each, environment);
    told[each.join(" ")] = stdout + stderr;
  }
  told.hook = hook.received.map(({ body }) => body).join("\n");
  const locations = { ...told, ...locationsOf(target).told, ...rawBytes(target) };
  // The text of the configuration is kept with a release: it is what was released.
  delete locations["releases.config_text"];
  delete locations["afk.db"];
  delete locations["afk.db-wal"];

  // The attack reached what it was aimed at, and the rest of the error is there.
  expect(told.hook).toContain('"event":"job_dead"');
  for (const place of ["hook", "dead_letters.error", "jobs.error", "logs --json"]) {
    expect(locations[place], place).toContain("at the harbour with ");
    expect(locations[place], place).toContain("[redacted]");
  }
  const secrets = [...Object.values(literal), FROM_ENVIRONMENT];
  const raw = (secret: string) => leaksOf(secret, locations).filter((leak) => !leak.endsWith("base64"));
  // A word or number is a secret where it stands by itself: ids and sizes hold others.
  const mixed = secrets.filter((secret) => !/^(?:[a-z]{1,5}|\d{1,5})$/.test(secret));
  expect(mixed.flatMap(raw)).toEqual([]);
  for (const [place, text] of Object.entries(locations))
    expect(text, place).not.toMatch(/(?<!\w)(?:swan|20267)(?!\w)/);

  // Where alerts go is said by kind and number.
  expect(told.doctor).toContain("alerts by ntfy 2");
  for (const [place, text] of Object.entries(told)) expect(text, place).not.toContain("private-host");
  return Object.keys(locations).length;
}
