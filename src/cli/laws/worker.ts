/** Where a worker begins: with all laws, and the function that its pool calls. */

import "../../../properties/index.ts";

export { runTask as default } from "./task.ts";
