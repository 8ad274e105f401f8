export { FaultProxy } from './fault-proxy.ts'
export {
  type Faults,
  startServer,
  type TestFeature,
  type TestServer,
  type TestServerOptions,
} from './start-server.ts'
