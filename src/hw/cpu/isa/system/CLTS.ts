/** CLTS: clear the task-switched flag in CR0. SDM Vol. 2A, "CLTS—Clear Task-Switched Flag in CR0". */

import { writeControl } from "../../control-registers.ts";
import { CR0 } from "../../state.ts";
import { privilegedInstruction } from "../../system.ts";

export const CLTS = privilegedInstruction("CLTS", { forms: [["0F 06", ""]] }, (context) => {
  const { state } = context;
  const value = state.control("CR0") & ~CR0.TS;
  if (state.isGuest) return writeControl(context, { by: "CLTS", name: "CR0", value, register: 0 });
  state.setControl("CR0", value);
  return null;
});
