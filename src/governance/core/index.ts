export type { Balancer } from './balancer.ts'
export { BALANCER_NAMES, type BalancerName, makeBalancer } from './balancers.ts'
export {
  type FailedAttempt,
  mayRetry,
  PATIENCE_MS_MIN,
  patienceMs,
  RETRIES_DEFAULT,
  RETRIES_MAX,
  type RetryPolicy,
} from './failover.ts'
export { AVOID_MS_MAX, AVOID_MS_MIN, Health } from './health.ts'
export type { Member } from './member.ts'
export { ServiceGovernance } from './service-governance.ts'
