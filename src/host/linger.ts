import type { Socket } from 'node:net'

/** Time for a peer to take something of what is left, and to close its side when nothing is. */
const LINGER_MS = 1_000

/**
 * Gives the peer of a socket that ends the time to take the last bytes and to end its side too. Meanwhile whoever
 * listens to `data` goes on reading: closing a socket with unread input resets it, which destroys the last bytes on
 * their way (RFC 1122 §4.2.2.13).
 */
export function linger(socket: Socket, takenBytes: () => number): void {
  let before = takenBytes()
  const judge = (): void => {
    const now = takenBytes()
    if (now === before) socket.destroy()
    before = now
  }
  // Judged after a poll: this process may have been late itself.
  const timer = setInterval(() => setImmediate(judge), LINGER_MS)
  timer.unref()
  socket.once('close', () => clearInterval(timer))
}
