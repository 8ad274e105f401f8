export { AssertionError, assert, assertCounter, unreachable } from './assert.ts'
export type { Brand } from './brand.ts'
export {
  type ErrorDetails,
  type ErrorSpec,
  type ErrorTable,
  errorFactory,
  FenbuError,
  isFenbuError,
  type Outcome,
} from './error.ts'
export { FILE_ERRORS, type FileErrorCode, fileError } from './file-errors.ts'
export {
  booleanOption,
  checkKnownOptions,
  invalidOption,
  OPTION_ERRORS,
  type OptionErrorCode,
  oneOfOption,
  optionError,
  shown,
  stringOption,
  wholeNumberOption,
} from './options.ts'
export type { AsyncClosable } from './platform.ts'
export type { Clock } from './world/clock.ts'
export type { Files, FolderLock, OpenFile } from './world/files.ts'
export type { Random } from './world/random.ts'
export type { Timer, Timers } from './world/timers.ts'
export type { World } from './world/world.ts'
