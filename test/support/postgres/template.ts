import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Binaries, publish } from "./binaries.ts";
import { type Owner, runAs } from "./owner.ts";

/** `icu` sorts as people of en-US do, which is not how bytes sort; `C` sorts bytes. */
export type Locale = "icu" | "C";

/** The role that the tests' agents connect as: an ordinary one, which owns the database of the same name. */
export const ROLE = "afk";
export const SUPERUSER = "postgres";

/** Counted up when what is made here changes. */
const FORMAT = 1;
const LOCALES: Record<Locale, readonly string[]> = {
  icu: ["--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8"],
  C: ["--locale=C"],
};

/**
 * A data folder that was never used, to be copied: initdb takes a second or two, a copy tens of milliseconds. Made once on a
 * machine, and kept in its folder of temporary files; of several processes that make it at once, the first to finish wins.
 */
export async function templateFolder(binaries: Binaries, owner: Owner, locale: Locale): Promise<string> {
  const uid = owner.uid ?? process.getuid?.() ?? 0;
  const target = join(tmpdir(), `afk-postgres-${binaries.name}-${locale}-${FORMAT}-${uid}`);
  if (existsSync(target)) return target;
  const unfinished = `${target}.${randomBytes(6).toString("hex")}`;
  mkdirSync(unfinished, { mode: 0o700 });
  if (owner.uid !== undefined) chownSync(unfinished, owner.uid, owner.gid);
  try {
    await fill(unfinished, binaries, owner, locale);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
  publish(unfinished, target);
  return target;
}

async function fill(
  folder: string,
  { bin, environment }: Binaries,
  owner: Owner,
  locale: Locale,
): Promise<void> {
  await runAs(
    owner,
    join(bin, "initdb"),
    ["-D", folder, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-sync", ...LOCALES[locale]],
    { env: environment },
  );
  const statements = join(folder, "first.sql");
  writeFileSync(statements, `create role ${ROLE} login;\ncreate database ${ROLE} owner ${ROLE};\n`);
  const single = `"$0" --single -D "$1" postgres <"$2" >/dev/null`;
  await runAs(owner, "/bin/sh", ["-c", single, join(bin, "postgres"), folder, statements], {
    env: environment,
  });
  rmSync(statements);
}
