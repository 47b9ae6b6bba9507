import { expect, test } from "vitest";
import { Consoles } from "./consoles.ts";

function say(consoles: Consoles, source: string, text: string): void {
  for (const character of text) consoles.add(source, character);
}

test("one machine's console is shown as it is", () => {
  const consoles = new Consoles(1);
  say(consoles, "com1", "a\r\nb");
  expect(consoles.take()).toBe("a\r\nb");
});

test("lines of several machines are not mixed, and a prompt is shown when nothing follows", () => {
  const consoles = new Consoles(2);
  say(consoles, "m0.com1", "on");
  say(consoles, "m1.com1", "two\r\n/ # ");
  say(consoles, "m0.com1", "e\n");
  expect(consoles.take()).toBe("m1| two\nm0| one\n");
  expect(consoles.take()).toBe("m1| / # ");
  say(consoles, "m1.com1", "ls\n");
  say(consoles, "m0.com1", "left");
  expect(consoles.take()).toBe("ls\n");
  say(consoles, "m1.com1", "x");
  expect(consoles.take(true)).toBe("m0| left\nm1| x");
});
