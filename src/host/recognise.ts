import type { Socket } from 'node:net'
import type { Service } from './protocol.ts'

/** No protocol needs more than this to be told from the others. */
const RECOGNISE_BYTES_MAX = 64

export interface Recognition {
  found(service: Service, firstBytes: Uint8Array | undefined): void
  /** No service speaks this, or one failed to say. */
  unknown(error?: unknown): void
}

/**
 * Reads the first bytes of a connection until one service says that they are its own, or none can. Where there is
 * one service only, nothing is read.
 */
export function recogniseService(socket: Socket, services: readonly Service[], answer: Recognition): void {
  const only = services[0]
  if (services.length === 1 && only) {
    answer.found(only, undefined)
    return
  }
  let first: Uint8Array = new Uint8Array(0)
  const onData = (chunk: Uint8Array): void => {
    first = Buffer.concat([first, chunk])
    const answers = ask(services, first, answer)
    const service = services[answers.indexOf(true)]
    if (service === undefined && answers.includes(undefined) && first.length <= RECOGNISE_BYTES_MAX) return
    socket.off('data', onData)
    if (service) answer.found(service, first)
    else answer.unknown()
  }
  socket.on('data', onData)
}

function ask(services: readonly Service[], first: Uint8Array, answer: Recognition): (boolean | undefined)[] {
  try {
    return services.map((service) => service.recognises?.(first))
  } catch (error) {
    answer.unknown(error)
    return []
  }
}
