export { type App, type AppStatus, type ConnectOptions, type ConnectTargets, connect } from './app/index.ts'
export { FenbuError, isFenbuError, type Outcome } from './base/index.ts'
