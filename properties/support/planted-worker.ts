/** A worker that knows the planted laws, and a few of the others. */

import "../sim/order.property.ts";
import "./planted-laws.ts";

export { runTask as default } from "../../src/cli/laws/task.ts";
