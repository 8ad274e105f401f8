import { describe, it } from 'vitest'
import { realZooKeeperInstalled, startRealZooKeeper } from '../interop/real-zookeeper.ts'
import { describeRegistry } from './contract.ts'

if (realZooKeeperInstalled) describeRegistry('ZooKeeper', () => startRealZooKeeper({ tickMs: 200 }))
else
  describe('the registry on ZooKeeper', () => {
    it('needs the Debian package zookeeper (apt-get install zookeeper default-jre-headless)', () => {
      throw new Error('ZooKeeper is not installed')
    })
  })
