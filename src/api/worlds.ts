/** The kinds of world that can be made by name. */

import { InputError } from "../sim/assert.ts";
import type { Blueprint } from "../sim/blueprint.ts";
import { tokens } from "../sim/toy/tokens.ts";
import { host } from "./hosts.ts";
import { lan } from "./lan.ts";
import { machine } from "./machines.ts";
import { share } from "./share.ts";

const WORLDS: readonly Blueprint[] = [host, lan, machine, share, tokens];

export const worldNames: readonly string[] = WORLDS.map(({ name }) => name);

/** The blueprint called `name`. Throws InputError, naming those there are. */
export function blueprintOf(name: string): Blueprint {
  const blueprint = WORLDS.find((world) => world.name === name);
  if (blueprint === undefined) {
    throw new InputError(`world ${name}: unknown; there is ${worldNames.join(", ")}`);
  }
  return blueprint;
}
