import type { Service } from '../../host/index.ts'
import { ClientConnection } from './client-connection.ts'
import type { Coordinator } from './coordinator.ts'
import { recognisesZookeeper, zookeeperProtocol } from './protocol.ts'

/** The ZooKeeper protocol for a listener, alone or beside other protocols on the same port. */
export function zookeeperService(coordinator: Coordinator): Service {
  return {
    protocol: zookeeperProtocol,
    recognises: recognisesZookeeper,
    accept(connection) {
      coordinator.connectionOpened()
      return new ClientConnection(connection, coordinator)
    },
  }
}
