import { listBreakers } from "../../rails/breaker.ts";
import { bad, type Examination, ok, type WithStore } from "./check.ts";

/** One that is open heals by itself; one that is blocked waits for a person. */
export const breakers: Examination<WithStore> = {
  group: "money",
  name: "breakers",
  look: async ({ store }) => {
    const findings = (await listBreakers(store.db)).flatMap(({ name, state }) =>
      state.state === "blocked"
        ? [
            bad(
              "breakers",
              `${name} is refused: ${state.reason}`,
              "correct models.prices, or take it out of models.chain; then afk resume",
            ),
          ]
        : [],
    );
    return findings.length > 0 ? findings : [ok("breakers", "none waits for a person")];
  },
};
