import type { Socket } from 'node:net'
import type { Service } from './protocol.ts'

/** No protocol needs more than this to be told from the others. */
const RECOGNISE_BYTES_MAX = 64
const RECOGNISE_TIMEOUT_MS = 5_000

/** Hands the socket to the service whose protocol its first bytes belong to; closes it if there is none. */
export function recogniseService(
  socket: Socket,
  services: readonly Service[],
  found: (service: Service, firstBytes: Uint8Array | undefined) => void,
): void {
  const only = services[0]
  if (services.length === 1 && only) {
    found(only, undefined)
    return
  }
  let first = new Uint8Array(0)
  const give = (): void => {
    clearTimeout(timer)
    socket.off('data', onData)
    socket.off('error', onError)
  }
  const refuse = (): void => {
    give()
    socket.destroy()
  }
  const onError = (): void => refuse()
  const onData = (chunk: Uint8Array): void => {
    first = join(first, chunk)
    const answers = services.map((service) => service.recognises?.(first))
    const index = answers.indexOf(true)
    const service = services[index]
    if (service) {
      give()
      found(service, first)
    } else if (!answers.includes(undefined) || first.length > RECOGNISE_BYTES_MAX) refuse()
  }
  const timer = setTimeout(refuse, RECOGNISE_TIMEOUT_MS)
  socket.on('data', onData)
  socket.on('error', onError)
  socket.once('close', give)
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
