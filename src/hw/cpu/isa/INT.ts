/** INT n, INT3, INTO, INT1: call to an interrupt procedure. SDM Vol. 2A, "INT n/INTO/INT3/INT1—Call to Interrupt Procedure". */

import type { AssistContext } from "../assist.ts";
import { exitFault, type Fault, GP0, VECTORS } from "../fault.ts";
import { type Instruction, instruction } from "../instruction.ts";
import { iopl, isVirtual8086 } from "../mode.ts";
import { deliver, type EventType, type Raised } from "../transfer/deliver.ts";

function call(context: AssistContext, type: EventType, vector: number): Fault | null {
  const { state, nextRip, virtualization } = context;
  const event: Raised = {
    type,
    vector,
    errorCode: null,
    address: null,
    resume: false,
    debug: type === "privileged software exception" ? state.pendingDebug : 0,
    returnRip: nextRip,
    instructionLength: context.decoded.length,
  };
  if (!state.isGuest) return deliver(context, { ...event, returnRip: nextRip });
  const exit = type === "software interrupt" ? null : virtualization?.exception(event, null);
  if (exit) return exitFault(exit);
  const met = deliver(context, { ...event, returnRip: nextRip });
  return met === null ? null : { ...met, during: event };
}

/** In virtual-8086 mode INT n belongs to the monitor unless IOPL is 3. */
function callNumbered(context: AssistContext): Fault | null {
  const { state } = context;
  if (isVirtual8086(state) && iopl(state) < 3) return GP0;
  const intercepted = context.intercepted("INT n");
  if (intercepted !== null) return intercepted;
  const operand = context.operand(0);
  return call(
    context,
    "software interrupt",
    operand.is === "immediate" ? Number(operand.value) : 0,
  );
}

/** The debug exception tells too what a load of SS has held back. */
function callDebug(context: AssistContext): Fault | null {
  const { state } = context;
  const held = state.pendingDebug;
  const met = call(context, "privileged software exception", VECTORS["#DB"]);
  if (met?.exit !== undefined) return met;
  state.setDebug("DR6", state.debug("DR6") | BigInt(held));
  state.pendingDebug = 0;
  return met;
}

export const INT: readonly Instruction[] = [
  instruction("INT", {
    forms: [["CD ib", "imm8"]],
    semantics: (u) => u.assist(callNumbered),
  }),
  instruction("INT3", {
    forms: [["CC", ""]],
    semantics: (u) => u.assist((context) => call(context, "software exception", VECTORS["#BP"])),
  }),
  instruction("INT1", {
    forms: [["F1", ""]],
    semantics: (u) => u.assist(callDebug),
  }),
  instruction("INTO", {
    forms: [["CE", "", { modes: "I/V" }]],
    semantics: (u) => {
      u.finishIf(u.not(u.flag("OF")));
      u.assist((context) => call(context, "software exception", VECTORS["#OF"]));
    },
  }),
];
