import type { Mutant } from './mutant.ts'

export const COORDINATION_MUTANTS: readonly Mutant[] = [
  {
    id: 'session generation not checked',
    file: 'src/coordination/core/entry-applier.ts',
    find: 'if (session?.generation === generation && session.nextNumber === number) return session',
    replace: 'if (session?.nextNumber === number) return session',
    why: 'A connection that lost its session to another one would go on writing for it.',
    tests: ['test/coordination/core-sessions.test.ts'],
  },
  {
    id: 'write number not checked',
    file: 'src/coordination/core/entry-applier.ts',
    find: 'if (session?.generation === generation && session.nextNumber === number) return session',
    replace: 'if (session?.generation === generation) return session',
    why: 'A write would be applied though one before it was lost, or twice.',
    tests: ['test/coordination/core-sessions.test.ts'],
  },
  {
    id: 'event after reply',
    file: 'src/coordination/server/coordinator.ts',
    find: 'this.watches.changed(change)',
    replace: 'queueMicrotask(() => this.watches.changed(change))',
    why: 'A client could read the new state and act on it before its watch tells it of the change.',
    tests: ['test/coordination/traps.test.ts'],
    title: 'sends an event before the reply',
  },
]
