export { CLUSTER_ERRORS, type ClusterErrorCode, clusterError } from './errors.ts'
export { type ProposalListener, Replica, type ReplicaSetup } from './replica.ts'
export { REPLICA_DEFAULTS, type ReplicaOptions } from './replica-options.ts'
