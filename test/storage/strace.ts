/** One system call of a traced program; `begins` and `ends` are line numbers of the trace, so they can be compared. */
export interface SystemCall {
  readonly name: string
  readonly text: string
  /** The first argument: a file descriptor, for calls that take one. */
  readonly file: string
  readonly begins: number
  readonly ends: number
  readonly result: string
}

const WHOLE = /^(\d+)\s+(\w+)\((.*)\)\s+= (-?\w+)/s
const BEGINS = /^(\d+)\s+(\w+)\((.*) <unfinished \.\.\.>$/s
const ENDS = /^(\d+)\s+<\.\.\. (\w+) resumed>(.*)\)\s+= (-?\w+)/s

/** Reads the output of `strace -f`, where a call that another thread interrupts takes two lines. */
export function systemCalls(trace: string): SystemCall[] {
  const calls: SystemCall[] = []
  const unfinished = new Map<string, { readonly text: string; readonly begins: number }>()
  for (const [line, content] of trace.split('\n').entries()) {
    const whole = WHOLE.exec(content)
    if (whole) calls.push(call(whole[2]!, whole[3]!, line, line, whole[4]!))
    const begins = BEGINS.exec(content)
    if (begins) unfinished.set(`${begins[1]} ${begins[2]}`, { text: begins[3]!, begins: line })
    const ends = ENDS.exec(content)
    const began = ends && unfinished.get(`${ends[1]} ${ends[2]}`)
    if (ends && began) calls.push(call(ends[2]!, began.text + ends[3]!, began.begins, line, ends[4]!))
  }
  return calls.sort((a, b) => a.begins - b.begins)
}

function call(name: string, text: string, begins: number, ends: number, result: string): SystemCall {
  return { name, text, file: text.split(/[,)]/)[0]!.trim(), begins, ends, result }
}
