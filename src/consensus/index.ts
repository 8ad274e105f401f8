export type {
  Entry,
  Epoch,
  Instant,
  LogIndex,
  LogInput,
  LogOutput,
  LogStatus,
  LogWrite,
  Message,
  NodeId,
  ProposalEnd,
  ReplicatedLog,
  RequestId,
  WriteId,
} from './replicated-log.ts'
export type { ReplicatedStateMachine, SnapshotCursor, SnapshotLoader } from './replicated-state-machine.ts'
