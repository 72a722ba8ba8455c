import { serveSimulations } from "../../../src/simulate/serve.ts";

/** The thread of simulations for configurations with the kind `triage`. */
serveSimulations(async () => (await import("./triage.ts")).kinds);
