/** CLTS: clear the task-switched flag in CR0. SDM Vol. 2A, "CLTS—Clear Task-Switched Flag in CR0". */

import { CR0 } from "../../state.ts";
import { privilegedInstruction } from "../../system.ts";

export const CLTS = privilegedInstruction("CLTS", { forms: [["0F 06", ""]] }, ({ state }) => {
  state.setControl("CR0", state.control("CR0") & ~CR0.TS);
  return null;
});
