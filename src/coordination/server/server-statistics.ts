/** What `srvr` reports; counted since the server was opened. */
export class ServerStatistics {
  /** Packets. */
  received = 0
  sent = 0
  connections = 0
  #answered = 0
  #latencySumMs = 0
  #latencyMinMs = Number.POSITIVE_INFINITY
  #latencyMaxMs = 0

  /** A request was answered, so long after it arrived. */
  answered(latencyMs: number): void {
    this.sent++
    this.#answered++
    this.#latencySumMs += latencyMs
    if (latencyMs < this.#latencyMinMs) this.#latencyMinMs = latencyMs
    if (latencyMs > this.#latencyMaxMs) this.#latencyMaxMs = latencyMs
  }

  get latencyMs(): { readonly min: number; readonly average: number; readonly max: number } {
    const none = this.#answered === 0
    return {
      min: none ? 0 : this.#latencyMinMs,
      average: none ? 0 : this.#latencySumMs / this.#answered,
      max: this.#latencyMaxMs,
    }
  }
}
