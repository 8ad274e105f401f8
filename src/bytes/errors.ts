import { type ErrorTable, errorFactory, type FenbuError } from '../base/index.ts'

export type BytesErrorCode = 'BYTES_TRUNCATED' | 'BYTES_TRAILING' | 'BYTES_INVALID' | 'BYTES_TOO_LARGE'

/** Errors of decoding: the bytes of a peer or of a file are not what they claim to be. */
export const BYTES_ERRORS: ErrorTable<BytesErrorCode> = {
  BYTES_TRUNCATED: {
    outcome: 'not-executed',
    meaning: 'A record ends before its fields do, or a length inside it points past its end.',
    remedy: 'The sender is broken or hostile; the connection is closed.',
  },
  BYTES_TRAILING: {
    outcome: 'not-executed',
    meaning: 'A record has bytes after its last field.',
    remedy: 'The sender is broken, hostile, or speaks another version.',
  },
  BYTES_INVALID: {
    outcome: 'not-executed',
    meaning: 'A field holds a value that its type does not allow (such as ill-formed UTF-8).',
    remedy: 'The sender is broken or hostile; the connection is closed.',
  },
  BYTES_TOO_LARGE: {
    outcome: 'not-executed',
    meaning: 'A value is larger than its bound.',
    remedy: 'Send less at once, or raise the limit that the message names.',
  },
}

export const bytesError: (code: BytesErrorCode, message: string) => FenbuError<BytesErrorCode> =
  errorFactory(BYTES_ERRORS)
