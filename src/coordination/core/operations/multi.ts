import { type ByteReader, type ByteWriter, bytesError } from '../../../bytes/index.ts'
import { ERROR_CODE, type ErrorCode } from '../wire/error-code.ts'
import { MULTI_END, multiHeader } from '../wire/headers.ts'
import type { JuteType } from '../wire/jute.ts'
import * as operations from './list.ts'
import type { AnyOperation, ReadContext, ReadOperation, WriteOperation } from './operation.ts'

/** One operation of a multi: `{ operation: create, request: { … } }`. */
export interface MultiPart<Part> {
  readonly operation: Part
  readonly request: unknown
}

/** How one of them ended. Where the multi failed: 0 before the culprit, its code, -2 after. */
export type MultiResult =
  | { readonly operation: AnyOperation; readonly error: typeof ERROR_CODE.OK; readonly reply: unknown }
  | { readonly operation: undefined; readonly error: number; readonly reply: undefined }

type WritePart = WriteOperation<unknown, unknown>
type ReadPart = ReadOperation<unknown, unknown>

const all: readonly AnyOperation[] = Object.values(operations)
const writeParts = new Map<number, WritePart>()
const readParts = new Map<number, ReadPart>()
for (const operation of all) {
  if (operation.partOf === 'multi' && operation.kind === 'write') writeParts.set(operation.code, operation)
  if (operation.partOf === 'multiRead' && operation.kind === 'read') readParts.set(operation.code, operation)
}

/** All of them in one transaction, each on what the ones before it left, or none. */
export const multi: WriteOperation<readonly MultiPart<WritePart>[], readonly MultiResult[]> = {
  name: 'multi',
  code: 14,
  kind: 'write',
  request: partsOf('MultiRequest', writeParts),
  reply: resultsOf('MultiReply', writeParts),
  errors: [],
  apply(parts, transaction, reply) {
    const start = reply.length
    transaction.begin()
    for (const [index, { operation, request }] of parts.entries()) {
      const acting = operation.withinMulti ?? operation
      writeHeader(reply, acting.code, ERROR_CODE.OK)
      const error = acting.apply(request, transaction, reply)
      if (error === ERROR_CODE.OK) continue
      transaction.rollback()
      reply.truncate(start)
      writeFailure(reply, parts.length, index, error)
      return ERROR_CODE.OK
    }
    transaction.commit()
    multiHeader.write(reply, MULTI_END)
    return ERROR_CODE.OK
  },
}

/** A packet can ask for the same large node tens of thousands of times: beyond this the request is refused. */
const MULTI_READ_REPLY_BYTES_MAX = 4 * 1024 * 1024

/** Several reads of one state; each succeeds or fails by itself. Their watch flags are ignored, as in ZooKeeper. */
export const multiRead: ReadOperation<readonly MultiPart<ReadPart>[], readonly MultiResult[]> = {
  name: 'multiRead',
  code: 22,
  kind: 'read',
  request: partsOf('MultiReadRequest', readParts),
  reply: resultsOf('MultiReadReply', readParts),
  errors: [ERROR_CODE.BAD_ARGUMENTS],
  read(parts, tree, context, reply) {
    const unwatched = withoutWatches(context)
    const start = reply.length
    for (const { operation, request } of parts) {
      const at = reply.length
      writeHeader(reply, operation.code, ERROR_CODE.OK)
      const error = operation.read(request, tree, unwatched, reply)
      if (error !== ERROR_CODE.OK) {
        reply.truncate(at)
        writeError(reply, error)
      }
      if (reply.length - start > MULTI_READ_REPLY_BYTES_MAX) return ERROR_CODE.BAD_ARGUMENTS
    }
    multiHeader.write(reply, MULTI_END)
    return ERROR_CODE.OK
  },
}

function withoutWatches({ session }: ReadContext): ReadContext {
  return { session, watchData: () => {}, watchChildren: () => {}, notify: () => {} }
}

/** Header and request of each, then the end header. */
function partsOf<Part extends AnyOperation>(
  name: string,
  allowed: ReadonlyMap<number, Part>,
): JuteType<readonly MultiPart<Part>[]> {
  return {
    name,
    minBytes: multiHeader.minBytes,
    read(reader) {
      const parts: MultiPart<Part>[] = []
      for (let header = multiHeader.read(reader); !header.done; header = multiHeader.read(reader)) {
        const operation = allowed.get(header.type)
        if (operation === undefined) throw notAllowed(header.type, reader)
        parts.push({ operation, request: operation.request.read(reader) })
      }
      return parts
    },
    write(writer, parts) {
      for (const { operation, request } of parts) {
        multiHeader.write(writer, { type: operation.code, done: false, error: -1 })
        operation.request.write(writer, request)
      }
      multiHeader.write(writer, MULTI_END)
    },
  }
}

/** Header and result of each, then the end header; an error's type is -1 and its code stands there twice. */
function resultsOf(
  name: string,
  allowed: ReadonlyMap<number, AnyOperation>,
): JuteType<readonly MultiResult[]> {
  return {
    name,
    minBytes: multiHeader.minBytes,
    read(reader) {
      const results: MultiResult[] = []
      for (let header = multiHeader.read(reader); !header.done; header = multiHeader.read(reader))
        results.push(readResult(reader, header.type, allowed))
      return results
    },
    write(writer, results) {
      for (const { operation, error, reply } of results) {
        if (operation === undefined) writeError(writer, error)
        else {
          writeHeader(writer, operation.code, ERROR_CODE.OK)
          operation.reply.write(writer, reply)
        }
      }
      multiHeader.write(writer, MULTI_END)
    },
  }
}

const ERROR_TYPE = -1

function readResult(
  reader: ByteReader,
  type: number,
  allowed: ReadonlyMap<number, AnyOperation>,
): MultiResult {
  if (type === ERROR_TYPE) return { operation: undefined, error: reader.int32(), reply: undefined }
  const operation = allowed.get(type)
  if (operation === undefined) throw notAllowed(type, reader)
  return { operation, error: ERROR_CODE.OK, reply: operation.reply.read(reader) }
}

function notAllowed(type: number, reader: ByteReader): Error {
  return bytesError('BYTES_INVALID', `operation ${type} in a multi before byte ${reader.offset}`)
}

function writeFailure(reply: ByteWriter, parts: number, culprit: number, error: ErrorCode): void {
  for (let i = 0; i < parts; i++) {
    if (i < culprit) writeError(reply, ERROR_CODE.OK)
    else writeError(reply, i === culprit ? error : ERROR_CODE.RUNTIME_INCONSISTENCY)
  }
  multiHeader.write(reply, MULTI_END)
}

function writeError(reply: ByteWriter, error: number): void {
  writeHeader(reply, ERROR_TYPE, error)
  reply.int32(error)
}

function writeHeader(reply: ByteWriter, type: number, error: number): void {
  reply.int32(type)
  reply.boolean(false)
  reply.int32(error)
}
