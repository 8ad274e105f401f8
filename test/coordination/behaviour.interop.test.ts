import { describe, it } from 'vitest'
import { realZooKeeperInstalled, startRealZooKeeper } from '../interop/real-zookeeper.ts'
import { describeBehaviour } from './behaviour.ts'

if (realZooKeeperInstalled) describeBehaviour('ZooKeeper', () => startRealZooKeeper())
else
  describe('coordination on ZooKeeper', () => {
    it('needs the Debian package zookeeper (apt-get install zookeeper default-jre-headless)', () => {
      throw new Error('ZooKeeper is not installed')
    })
  })
