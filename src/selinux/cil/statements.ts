/** Every statement that the compiler knows, by keyword. */

import { ADDRESS_STATEMENTS } from "./addresses.ts";
import { CLASS_STATEMENTS } from "./classes.ts";
import { CONDITION_STATEMENTS } from "./conditions.ts";
import { CONFIGURATION_STATEMENTS } from "./configuration.ts";
import { CONSTRAINT_STATEMENTS } from "./constraints.ts";
import { CONTEXT_STATEMENTS } from "./contexts.ts";
import { EXTENDED_STATEMENTS } from "./extended-permissions.ts";
import { FILE_CONTEXT_STATEMENTS } from "./file-contexts.ts";
import { FILE_SYSTEM_STATEMENTS } from "./file-systems.ts";
import { LEVEL_STATEMENTS } from "./levels.ts";
import { NETWORK_STATEMENTS } from "./network.ts";
import { RANGE_STATEMENTS } from "./range-transition.ts";
import { ROLE_STATEMENTS } from "./roles.ts";
import { ACCESS_STATEMENTS } from "./rules.ts";
import type { Statements } from "./statement.ts";
import { TYPE_RULE_STATEMENTS } from "./type-rules.ts";
import { TYPE_STATEMENTS } from "./types.ts";
import { USER_STATEMENTS } from "./users.ts";

const STATEMENTS: Statements = {
  ...CONFIGURATION_STATEMENTS,
  ...CLASS_STATEMENTS,
  ...TYPE_STATEMENTS,
  ...ROLE_STATEMENTS,
  ...USER_STATEMENTS,
  ...LEVEL_STATEMENTS,
  ...ACCESS_STATEMENTS,
  ...EXTENDED_STATEMENTS,
  ...TYPE_RULE_STATEMENTS,
  ...RANGE_STATEMENTS,
  ...CONDITION_STATEMENTS,
  ...CONSTRAINT_STATEMENTS,
  ...CONTEXT_STATEMENTS,
  ...FILE_SYSTEM_STATEMENTS,
  ...ADDRESS_STATEMENTS,
  ...NETWORK_STATEMENTS,
  ...FILE_CONTEXT_STATEMENTS,
};

export const STATEMENT_BY_KEYWORD: ReadonlyMap<string, Statements[string]> = new Map(
  Object.entries(STATEMENTS),
);
