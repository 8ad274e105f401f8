import { schemeOf } from '../engines/index.ts'

/** The servers that an application runs beside itself: one for each `embedded:` URL that it names. */
export class EmbeddedServers {
  readonly #running = new Map<string, { readonly url: string; close(): Promise<void> }>()
  readonly #notes: string[] = []

  get any(): boolean {
    return this.#running.size > 0
  }

  /** What happened to them that nobody asked for. */
  get notes(): readonly string[] {
    return this.#notes
  }

  /** The URL to connect to: itself, or that of the server that was started for it. Fails with `SERVER_…`. */
  async reach(url: string): Promise<string> {
    if (schemeOf(url, 'registry') !== 'embedded') return url
    const known = this.#running.get(url)
    if (known) return known.url
    const { startEmbedded } = await import('../server/index.ts')
    const data = url.slice('embedded:'.length)
    const server = await startEmbedded({ port: 0, ...(data === '' ? { temporary: true } : { data }) })
    server.onDeath((error) => {
      this.#notes.push(`${url}: ${error.message}`)
      process.emitWarning(error)
    })
    this.#running.set(url, server)
    return server.url
  }

  async close(): Promise<void> {
    for (const server of this.#running.values()) await server.close()
  }
}
