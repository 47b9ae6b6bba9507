/**
 * Attempts of a hardware task switch: SDM Vol. 3, "Task Switching"; "Treatment of Task Switches" for what is checked
 * before a guest exits; APM Vol. 2, "Task Switch Intercept".
 *
 * Deviation: task switches are not modelled. Outside a guest whose hypervisor asks for them, they raise #GP.
 */

import {
  type Core,
  type Descriptor,
  isPresent,
  isSystem,
  readDescriptor,
  segmentFrom,
  SYSTEM,
  typeOf,
} from "../descriptors.ts";
import { exitFault, type Fault, selectorFault } from "../fault.ts";
import type { TaskSwitch } from "../virtualization.ts";
import { readTss } from "./tss.ts";
import { isFault } from "../mmu.ts";

const TABLE_LDT = 4;
/** The least limits of a TSS. */
const [LIMIT_16, LIMIT_32] = [0x2b, 0x67];
/** In the current TSS: the selector of the task that was left. */
const LINK = 0;

/** The exit in place of a task switch, or a fault: `refused` where no hypervisor wants to know. */
export function attemptTaskSwitch(
  core: Core,
  attempt: Pick<TaskSwitch, "by" | "selector"> & Partial<TaskSwitch>,
  refused: Fault,
  external = false,
): Fault {
  const { virtualization } = core;
  if (virtualization === undefined || !exitsForTasks(core)) return refused;
  const { by, selector } = attempt;
  const wrong = selectorFault(by === "IRET" ? "#TS" : "#GP", selector, external);
  if ((selector & TABLE_LDT) !== 0 || (selector & 0xfffc) === 0) return wrong;
  const found = readDescriptor(core, selector);
  if (found === null) return wrong;
  if (isFault(found)) return found;
  if (!isTss(found, by === "IRET")) return wrong;
  if (!isPresent(found)) return selectorFault("#NP", selector, external);
  const { limit } = segmentFrom(selector, found);
  if (limit < (is16Bit(found) ? LIMIT_16 : LIMIT_32))
    return selectorFault("#TS", selector, external);
  const instructionLength = core.decoded?.length ?? 0;
  return exitFault(virtualization.taskSwitch({ errorCode: null, instructionLength, ...attempt }));
}

/** A guest runs whose hypervisor asks for task switches. */
export const exitsForTasks = ({ state, virtualization }: Core): boolean =>
  state.isGuest && virtualization?.asksForTaskSwitches() === true;

const is16Bit = (descriptor: Descriptor): boolean => (typeOf(descriptor) & 8) === 0;

/** A task is entered when it is available, and gone back to while it is busy. */
export const isTss = (descriptor: Descriptor, busy = false): boolean =>
  isSystem(descriptor) &&
  (busy ? [SYSTEM.busyTss16, SYSTEM.busyTss] : [SYSTEM.tss16, SYSTEM.tss]).some(
    (type) => type === typeOf(descriptor),
  );

/** IRET with RFLAGS.NT: back to the task that the current TSS names. */
export function returnToTask(core: Core, refused: Fault): Fault {
  if (!exitsForTasks(core)) return refused;
  const link = readTss(core, LINK, 2, false);
  return isFault(link)
    ? link
    : attemptTaskSwitch(core, { by: "IRET", selector: Number(link) }, refused);
}
