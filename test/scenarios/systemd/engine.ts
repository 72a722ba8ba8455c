import type { Vm } from "../../support/engine/vm.ts";
import { eventually } from "./eventually.ts";

/** What can be wrong with the VM's engine, as lines of `sh`. */
export const FREEZE = "pkill -x -STOP dockerd; pkill -x -STOP containerd";
export const THAW = "pkill -x -CONT containerd; pkill -x -CONT dockerd";
/** Nothing listens on its socket, and nothing starts it again: its unit would, and so would the socket's. */
const KEEP_DOWN = "systemctl stop -q docker.socket; systemctl mask -q --runtime docker.service";
export const SHUT_DOWN = `${KEEP_DOWN}; systemctl stop -q docker.service`;
export const KILL = `${KEEP_DOWN}; pkill -x -KILL dockerd; pkill -x -KILL containerd`;

/** The engine works again, and the model with it. After a SIGKILL its first starts may fail. */
export async function healEngine(vm: Vm): Promise<void> {
  await vm.exec(THAW);
  const start =
    "systemctl unmask -q --runtime docker.service; systemctl reset-failed; systemctl start docker.socket docker";
  await eventually("the engine and the model are up", async () => {
    const { code } = await vm.exec(`${start} && timeout 5 docker exec afk-ollama true`);
    return code === 0;
  });
}
