import { startRealZooKeeper } from '../interop/real-zookeeper.ts'
import { describeTraps } from './traps.ts'

describeTraps('ZooKeeper', () => startRealZooKeeper())
