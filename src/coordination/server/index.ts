export { CoordinationServer, type CoordinationServerSetup } from './coordination-server.ts'
export type { ServerReport } from './four-letter-words.ts'
export { COORDINATION_SERVER_DEFAULTS, type CoordinationServerOptions } from './options.ts'
