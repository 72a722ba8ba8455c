import { serveSimulations } from "./serve.ts";

/** The thread that `simulate.ts` starts. */
serveSimulations(async () => []);
