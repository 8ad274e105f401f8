// Answers every frame (u32 length, u32 id, then bytes) with one of the same id and as many bytes as its first field
// says. Answers to one chunk leave in one write, as the RPC server's do.
import { createServer } from 'node:net'
import { answerCpu } from './load.js'

const server = createServer({ noDelay: true }, (socket) => {
  let rest = Buffer.alloc(0)
  let out = Buffer.alloc(1 << 16)
  socket.on('data', (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    let written = 0
    while (bytes.length - at >= 12) {
      const length = 4 + bytes.readUInt32BE(at)
      if (bytes.length - at < length) break
      const replyBytes = bytes.readUInt32BE(at + 8)
      if (written + replyBytes > out.length) out = Buffer.concat([out, Buffer.alloc(out.length)])
      out.writeUInt32BE(replyBytes - 4, written)
      out.writeUInt32BE(bytes.readUInt32BE(at + 4), written + 4)
      bytes.copy(out, written + 8, at + 8, at + 8 + Math.min(length - 8, replyBytes - 8))
      written += replyBytes
      at += length
    }
    rest = bytes.subarray(at)
    if (written > 0) socket.write(Buffer.from(out.subarray(0, written)))
  })
  socket.on('error', () => socket.destroy())
})
answerCpu()
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
