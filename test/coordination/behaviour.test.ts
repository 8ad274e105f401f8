import { describeBehaviour } from './behaviour.ts'
import { startEmbedded } from './embedded-engine.ts'

describeBehaviour('fenbu', () => startEmbedded())
