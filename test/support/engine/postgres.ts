import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { proxySettings } from "./build-settings.ts";
import { cached, thisMonth } from "./cache.ts";
import { docker, say } from "./command.ts";
import { makeDebian } from "./debian.ts";
import type { ProvidedEngine } from "./provided.ts";
import { havePulled, isThere } from "./pull.ts";

const PUBLISHED = "postgres:17-trixie";
const STAND_IN = "afk-test-postgres:17-trixie";
const CONTEXT = fileURLToPath(new URL("postgres", import.meta.url));
const BUILD_MS_MAX = 480_000;

/**
 * The image of the database that compose.fleet.yaml names, or a stand-in made of Debian's package where none can be pulled.
 * @param folder is the test's own. Throws where neither can be had.
 */
export async function needPostgresImage(
  { isPrivate, isStandIn }: Pick<ProvidedEngine, "isPrivate" | "isStandIn">,
  folder: string,
): Promise<string> {
  // Where Node's image could not be pulled, neither can this one.
  if (!isStandIn && (await havePulled(PUBLISHED))) return PUBLISHED;
  const debian = await makeDebian(folder);
  const build = async () => {
    say(`building ${STAND_IN} of Debian's package`);
    await docker(
      ["build", "-q", "--build-arg", `DEBIAN=${debian}`, ...proxySettings(), "-t", STAND_IN, CONTEXT],
      { env: { DOCKER_BUILDKIT: "1" }, timeoutMs: BUILD_MS_MAX },
    );
  };
  if (!isPrivate) {
    await build();
    return STAND_IN;
  }
  const files = readdirSync(CONTEXT).map((name) => readFileSync(join(CONTEXT, name), "utf8"));
  const archive = await cached("postgres", [debian, thisMonth(), ...files], async (path) => {
    await build();
    await docker(["save", "-o", path, STAND_IN]);
  });
  if (!(await isThere(STAND_IN))) await docker(["load", "-q", "-i", archive]);
  return STAND_IN;
}
