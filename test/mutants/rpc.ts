import type { Mutant } from './mutant.ts'

export const RPC_MUTANTS: readonly Mutant[] = [
  {
    id: 'call retried though it may have run',
    file: 'src/governance/core/failover.ts',
    find: '(failed.surelyNotRun || policy.idempotent)',
    replace: 'true',
    why: 'A purchase whose answer was lost would be made twice.',
    tests: ['test/governance/retry-rule.test.ts'],
  },
  {
    id: 'deadline of the outer call ignored',
    file: 'src/rpc/client/rpc-client.ts',
    find: 'Math.min(nowMs + options.timeoutMs, parent?.deadline ?? Number.POSITIVE_INFINITY)',
    replace: 'nowMs + options.timeoutMs',
    why: 'Servers would work for callers that gave up long ago, in chains that grow under load.',
    tests: ['test/rpc/deadline.test.ts'],
  },
  {
    id: 'deadline begins anew at each attempt',
    file: 'src/rpc/client/invocation.ts',
    find: 'Math.max(1, Math.ceil(this.#request.deadlineMs - nowMs))',
    replace: 'Math.max(1, Math.ceil(this.#request.deadlineMs))',
    why: 'A server would take every call for one that its caller waits for very long.',
    tests: ['test/rpc/deadline.test.ts'],
  },
  {
    id: 'remote name looked up as a property',
    file: 'src/rpc/core/definitions.ts',
    find: 'return range && table.find(fields.service, fields.group, range)?.methods.get(fields.method)',
    replace:
      'const methods = range && table.find(fields.service, fields.group, range)?.methods\n' +
      '  return methods && (methods.get(fields.method) ?? Reflect.get(methods, fields.method))',
    why: 'A peer could reach functions that every object inherits and nobody provided.',
    tests: ['test/rpc/call.test.ts'],
    title: 'reaches only what was provided',
  },
]
