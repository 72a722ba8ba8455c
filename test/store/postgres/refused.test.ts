// @module-tag processes
// @module-tag slow
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../../src/lib/errors.ts";
import { StoreRefused } from "../../../src/store/errors.ts";
import { explain, isAway } from "../../../src/store/postgres/errors.ts";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import { type Deployment, deployment, PROCESSES } from "../../support/afk.ts";
import { certificate } from "../../support/certificate.ts";
import { freePort } from "../../support/free-port.ts";
import { askForPassword, offerTls } from "../../support/postgres/admission.ts";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { postgres } from "../../support/postgres/shared.ts";
import { tempDir } from "../../support/temp.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(`a database that lets nobody in${skipped}`, PROCESSES, () => {
  test("for want of the right password is refused with what to mend", async () => {
    const server = await postgres();
    await askForPassword(server, "right");
    const none = server.url();
    const message = /does not let this user in \(.+\): look at the user and password of the URL/;
    for (const url of [none, withPassword(none, "wrong")]) {
      const error = await refusal(url);
      expect(error).toMatchObject({ code: "store_unwritable", message: expect.stringMatching(message) });
      expect(error.message).not.toContain("wrong");
    }
    expect(await tried(withPassword(none, "right"))).toBeNull();
    await expectInWords(none, message);
  });

  test("because it speaks no TLS, and was asked to", async () => {
    const server = await postgres();
    const url = `${server.url()}?sslmode=verify-full`;
    expect((await refusal(url)).message).toMatch(/no TLS .*\(The server does not support SSL.*: .*sslmode/);
    await expectInWords(url, /does not support SSL connections.*sslmode/);
  });

  test("because its certificate is not vouched for, or is another's", async () => {
    const server = await postgres();
    const url = `${server.url()}?sslmode=verify-full`;
    await offerTls(server, certificate());
    expect((await refusal(url)).message).toMatch(/certificate.*\(self-signed certificate.*\): .*sslrootcert/);
    await expectInWords(url, /\(self-signed certificate.*sslrootcert/);
  });

  test("is used once the URL names a certificate that vouches for it, of the right name", async () => {
    const server = await postgres();
    const file = join(tempDir(), "root.pem");
    const url = `${server.url()}?sslmode=verify-full&sslrootcert=${encodeURIComponent(file)}`;
    expect((await refusal(url)).message).toMatch(/no such file.*: .*sslrootcert/);
    const other = certificate();
    await offerTls(server, other);
    writeFileSync(file, other.cert);
    expect((await refusal(url)).message).toMatch(/certificate.*altnames.*sslmode/);
    const right = certificate("127.0.0.1");
    await offerTls(server, right);
    writeFileSync(file, right.cert);
    expect(await tried(url)).toBeNull();
  });
});

test.each([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
  "ERR_TLS_CERT_ALTNAME_INVALID",
])("%s of a certificate is refused, and not waited for", (code) => {
  const error = Object.assign(new Error("the certificate is no good"), { code });
  const explained = explain(error, "the database");
  expect(explained).toBeInstanceOf(StoreRefused);
  expect(explained).toMatchObject({ code: "store_unwritable", exitCode: EXIT.failed, retry: "never" });
  expect(isAway(error)).toBe(false);
});

test("a name with several addresses that all refuse is away, with the words of the first", async () => {
  const socket = connect({
    port: await freePort(),
    host: "db.example.org",
    autoSelectFamily: true,
    lookup: (_name, _options, found) =>
      found(null, [
        { address: "127.0.0.1", family: 4 },
        { address: "::1", family: 6 },
      ]),
  });
  const [error] = await once(socket, "error");
  expect(error).toMatchObject({ message: "", errors: expect.anything() });
  expect(isAway(error)).toBe(true);
  const message = expect.stringMatching(/cannot be reached \(connect ECONNREFUSED 127.0.0.1:\d+\)/);
  expect(explain(error, "the database")).toMatchObject({ code: "store_unreachable", message });
  // Of the several the code alone is of the first, where Node does not say it for all.
  const bare = new AggregateError((error as AggregateError).errors);
  expect(isAway(bare)).toBe(true);
});

function withPassword(url: string, password: string): string {
  return Object.assign(new URL(url), { password }).href;
}

async function tried(url: string): Promise<unknown> {
  try {
    await (await openPostgresStore({ url, schema: "afk_test" })).close();
    return null;
  } catch (error) {
    return error;
  }
}

async function refusal(url: string): Promise<StoreRefused> {
  const error = await tried(url);
  expect(error).toBeInstanceOf(StoreRefused);
  return error as StoreRefused;
}

/** That commands on such a database end in order, and doctor tells it as what it found. */
async function expectInWords(url: string, message: RegExp): Promise<void> {
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 0 },
    models: { chain: ["extractive"] },
  });
  const run = (...words: string[]): ReturnType<Deployment["afk"]> => target.afk(words, { DATABASE_URL: url });
  const [doctor, tick] = await Promise.all([run("doctor", "--offline", "--json"), run("tick")]);
  expect(doctor.code).toBe(1);
  const { checks } = JSON.parse(doctor.stdout) as { checks: { result: string; found: string }[] };
  const bad = checks.filter(({ result }) => result === "bad").map(({ found }) => found);
  expect(bad).toContainEqual(expect.stringMatching(message));
  expect(tick.code).toBe(1);
  expect(tick.stderr).toMatch(message);
  for (const { stderr } of [doctor, tick]) expect(stderr).not.toMatch(/^ +at /m);
}
