// The least that a caller over one TCP connection must do: number the frame, keep a promise, find it again. The bytes
// mean nothing, and those that start in one turn leave in one write.

import { once } from 'node:events'
import { connect } from 'node:net'
import { keepBusy } from './load.js'

const socket = connect({ host: '127.0.0.1', port: Number(process.argv[2]), noDelay: true })
await once(socket, 'connect')

const waiting = new Map()
let nextId = 1
let out = Buffer.allocUnsafe(1 << 16)
let written = 0
let rest = Buffer.alloc(0)

socket.on('data', (chunk) => {
  const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
  let at = 0
  while (bytes.length - at >= 8) {
    const length = 4 + bytes.readUInt32BE(at)
    if (bytes.length - at < length) break
    const id = bytes.readUInt32BE(at + 4)
    waiting.get(id)(id)
    waiting.delete(id)
    at += length
  }
  rest = bytes.subarray(at)
})

function flush() {
  socket.write(out.subarray(0, written))
  out = Buffer.allocUnsafe(1 << 16)
  written = 0
}

function call(payload) {
  return new Promise((resolve) => {
    const id = nextId++
    waiting.set(id, resolve)
    const length = 8 + payload.length
    if (written + length > out.length) flush()
    if (written === 0) setImmediate(flush)
    out.writeUInt32BE(length - 4, written)
    out.writeUInt32BE(id, written + 4)
    out.set(payload, written + 8)
    written += length
  })
}

process.on('message', async ({ ms, inFlight, requestBytes, replyBytes }) => {
  const payload = Buffer.alloc(requestBytes - 8)
  payload.writeUInt32BE(replyBytes)
  process.send(await keepBusy(() => call(payload), inFlight, ms))
})
process.send({ ready: true })
