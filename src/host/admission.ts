import type { Socket } from 'node:net'
import { peerGroup } from './address.ts'

/** The sockets that a listener holds, and the bounds on their number. */
export class Admission {
  readonly #socketsMax: number
  readonly #socketsPerPeerMax: number
  readonly #sockets = new Set<Socket>()
  readonly #perPeer = new Map<string, number>()

  constructor(socketsMax: number, socketsPerPeerMax: number) {
    this.#socketsMax = socketsMax
    this.#socketsPerPeerMax = socketsPerPeerMax
  }

  /** Sockets from acceptance to their end: handshakes, connections, and those that say their last word. */
  get sockets(): ReadonlySet<Socket> {
    return this.#sockets
  }

  /** Counts the socket until it closes; false if there are too many, in all or from its address. */
  admit(socket: Socket): boolean {
    const peer = peerGroup(socket.remoteAddress ?? 'unknown')
    const ofPeer = this.#perPeer.get(peer) ?? 0
    if (this.#sockets.size >= this.#socketsMax || ofPeer >= this.#socketsPerPeerMax) return false
    this.#sockets.add(socket)
    this.#perPeer.set(peer, ofPeer + 1)
    socket.once('close', () => this.#forget(socket, peer))
    return true
  }

  #forget(socket: Socket, peer: string): void {
    this.#sockets.delete(socket)
    const left = (this.#perPeer.get(peer) ?? 1) - 1
    if (left === 0) this.#perPeer.delete(peer)
    else this.#perPeer.set(peer, left)
  }
}
