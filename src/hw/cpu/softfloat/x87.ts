/** The x87 side of the library under one name. SDM Vol. 1, "Programming with the x87 FPU". */

export * from "./x87-arithmetic.ts";
export * from "./x87-compare.ts";
export * from "./x87-constants.ts";
export * from "./x87-convert.ts";
export * from "./x87-decimal.ts";
export * from "./x87-remainder.ts";
export * from "./x87-scale.ts";
export * from "./x87-exponential.ts";
export * from "./x87-trigonometric.ts";
