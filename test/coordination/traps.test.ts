import { startEmbedded } from './embedded-engine.ts'
import { describeTraps } from './traps.ts'

describeTraps('fenbu', () => startEmbedded())
