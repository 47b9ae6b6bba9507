/** What consoles say, put together: one as it is, several line by line, each line behind the name of its machine. */

interface Line {
  text: string;
  /** Something was added since the last look. */
  isGrowing: boolean;
}

export class Consoles {
  readonly #isAlone: boolean;
  readonly #lines = new Map<string, Line>();
  readonly #output: string[] = [];
  /** Whose unfinished line the output ends with. */
  #open: string | null = null;

  constructor(machines: number) {
    this.#isAlone = machines === 1;
  }

  add(source: string, character: string): void {
    if (this.#isAlone) {
      this.#output.push(character);
      return;
    }
    const name = source.slice(0, source.indexOf("."));
    const line = this.#lines.get(name) ?? { text: "", isGrowing: true };
    this.#lines.set(name, line);
    if (character === "\n") {
      this.#write(name, line);
      this.#output.push("\n");
      this.#open = null;
    } else if (character !== "\r") {
      line.text += character;
      line.isGrowing = true;
    }
  }

  /** What there is to show: whole lines, and unfinished ones that have not grown since the last time. */
  take(isEnd = false): string {
    for (const [name, line] of this.#lines) {
      if (line.text !== "" && (isEnd || !line.isGrowing)) this.#write(name, line);
      line.isGrowing = false;
    }
    return this.#output.splice(0).join("");
  }

  /** Goes on with the machine's line, or begins one. */
  #write(name: string, line: Line): void {
    if (this.#open !== name) this.#output.push(this.#open === null ? "" : "\n", `${name}| `);
    this.#output.push(line.text);
    this.#open = name;
    line.text = "";
  }
}
