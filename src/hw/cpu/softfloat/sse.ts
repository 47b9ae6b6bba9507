/** The SSE side of the library under one name. SDM Vol. 1, "SSE/SSE2/SSE3 Exceptions". */

export * from "./sse-approximate.ts";
export * from "./sse-arithmetic.ts";
export * from "./sse-compare.ts";
export * from "./sse-convert.ts";
