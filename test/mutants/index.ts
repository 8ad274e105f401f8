import { COORDINATION_MUTANTS } from './coordination.ts'
import type { Mutant } from './mutant.ts'
import { RPC_MUTANTS } from './rpc.ts'
import { STORAGE_MUTANTS } from './storage.ts'

export const MUTANTS: readonly Mutant[] = [...STORAGE_MUTANTS, ...COORDINATION_MUTANTS, ...RPC_MUTANTS]
