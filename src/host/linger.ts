import type { Socket } from 'node:net'

/** Time for a peer to take the last bytes and to close its side. */
const LINGER_MS = 1_000

/**
 * Gives the peer a moment to take the last bytes and to end its side too. Meanwhile whoever listens to `data` goes on
 * reading: closing a socket with unread input resets it, which destroys the last bytes on their way (RFC 1122
 * §4.2.2.13).
 */
export function linger(socket: Socket): void {
  const cut = setTimeout(() => socket.destroy(), LINGER_MS)
  cut.unref()
  socket.once('close', () => clearTimeout(cut))
}
