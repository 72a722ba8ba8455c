/** What the global setup tells the scenarios: `inject("engine")` in a test file. */
export interface ProvidedEngine {
  dockerHost: string;
  /** The engine was started for this run; names in it are nobody else's. */
  isPrivate: boolean;
  /** What the images are built on; a stand-in where no image can be pulled. */
  baseImage: string;
  isStandIn: boolean;
  afkImage: string;
  vmImage: string;
  modelImage: string;
  /** `["docker", "compose"]`; what is missing is in `missing`. */
  composeCommand: string[];
  /** The reason why something is not there, by its name, for `skip(reason !== undefined, reason)`. */
  missing: { compose?: string; vm?: string };
}

declare module "vitest" {
  export interface ProvidedContext {
    engine: ProvidedEngine;
  }
}
