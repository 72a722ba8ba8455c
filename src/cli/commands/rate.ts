import { saveVote } from "../../jobs/printed-items.ts";
import { AfkError } from "../../lib/errors.ts";
import { defineCommand } from "../command.ts";
import { withAgent } from "../open.ts";
import { oneLine } from "../output.ts";

export default defineCommand({
  json: true,
  args: {
    item: { type: "positional", description: "The six characters at the item in the digest" },
    vote: { type: "positional", options: ["up", "down"], description: "What you think of it" },
  },
  async run({ args }) {
    const id = args.item.trim().toLowerCase();
    const item = await withAgent(args, async ({ store, rails, log }) => {
      const rated = await store.atomically((trx) =>
        saveVote(trx, id, args.vote === "up" ? 1 : -1, rails.clock.nowMs()),
      );
      if (rated !== undefined)
        log.event("info", "item_rated", { item: id, source: rated.source, vote: args.vote });
      return rated;
    });
    if (item === undefined) {
      const message = `no digest of the last 90 days printed an item ${args.item}; its six characters stand below its title`;
      throw new AfkError("unknown_item", message);
    }
    return { json: item, text: [`rated ${args.vote}: ${oneLine(item.title)} (${oneLine(item.source)})`] };
  },
});
