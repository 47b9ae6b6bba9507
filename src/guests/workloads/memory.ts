/** A workload that goes through its memory page by page, over and over. */

import { PLACE, type Workload } from "./workload.ts";

const PAGES = 256;
const PAGE = 4096;

export const memory: Workload = {
  name: "memory",
  about: `writes ${PAGES} pages in turns, a little computing between them`,
  dataBytes: PAGES * PAGE,
  source: `
start:  mov rbx, ${PLACE.data}
.page:  inc qword [rbx]
        mov rcx, 500
.wait:  dec rcx
        jnz .wait
        add rbx, ${PAGE}
        cmp rbx, ${PLACE.data + PAGES * PAGE}
        jb .page
        jmp start`,
};
