/** One call between processes, as its caller saw it. */
export interface Journey {
  /** Who called, such as `gateway`. */
  readonly caller: string
  readonly service: string
  readonly method: string
  /** What the registry knew: how many instances, and whether it said so now or before an outage. */
  readonly instances: number
  readonly source: string
  /** How long the call waited for that list. */
  readonly lookUpMs: number
  readonly attempts: readonly Attempt[]
  /** `ok`, or the code of the error. */
  readonly result: string
  readonly totalMs: number
}

export interface Attempt {
  /** Name and address of the instance that was chosen. */
  readonly instance: string
  readonly address: string
  readonly result: string
  readonly totalMs: number
  /** Of `totalMs`, what the provider's handler took, as the provider says. */
  readonly handlerMs: number
}

/** A part of the way of an order. */
interface Hop {
  readonly name: string
  readonly ms: number
}

/** The journeys of an order from the outermost to the innermost call, step by step. */
export function* describeJourneys(journeys: readonly Journey[]): Generator<string> {
  for (const [depth, journey] of journeys.entries()) {
    const indent = '   '.repeat(depth)
    const { caller, service, method, instances, source, lookUpMs, attempts } = journey
    yield `${indent}${caller} calls ${service}.${method}`
    yield `${indent}   look-up    ${instances} instances of ${service}, ${source} list, ${shown(lookUpMs)}`
    for (const [n, attempt] of attempts.entries()) {
      yield `${indent}   chosen     ${attempt.instance} at ${attempt.address}`
      yield `${indent}   attempt ${n + 1}  ${attempt.result} after ${shown(attempt.totalMs)}, ${shown(attempt.handlerMs)} of it in the handler`
    }
    yield `${indent}   result     ${journey.result} after ${shown(journey.totalMs)}`
  }
  const [slowest] = [...hops(journeys)].sort((a, b) => b.ms - a.ms)
  if (slowest) yield `The slowest hop: ${slowest.name}, ${shown(slowest.ms)}`
}

/** Splits the time of nested calls into the ways between the processes and the work in each of them. */
function hops(journeys: readonly Journey[]): readonly Hop[] {
  return journeys.flatMap(({ caller, service, method, totalMs, attempts }, depth) => {
    const last = attempts.at(-1)
    if (!last) return [{ name: `${caller} waits for an instance of ${service}`, ms: totalMs }]
    const inner = journeys[depth + 1]?.totalMs ?? 0
    return [
      { name: `the way from ${caller} to ${last.instance} and back`, ms: totalMs - last.handlerMs },
      { name: `${service}.${method} in ${last.instance}, with the books`, ms: last.handlerMs - inner },
    ]
  })
}

function shown(ms: number): string {
  return `${ms.toFixed(1)} ms`
}
