import type { Socket } from 'node:net'

/** Time for a peer to take the last bytes and to close its side. */
const LINGER_MS = 1_000

/**
 * Ends this side and waits a moment for the peer to end its own. Whoever listens to `data` goes on reading: closing
 * with unread input would reset the connection and destroy the last bytes on their way.
 */
export function linger(socket: Socket): void {
  const cut = setTimeout(() => socket.destroy(), LINGER_MS)
  cut.unref()
  socket.once('close', () => clearTimeout(cut))
  socket.end()
}
